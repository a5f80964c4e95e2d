"""Creates the table and fills it: ``python -m syncline_cases.users.prepare``.

Reads ``DATABASE_URL`` and ``SYNCLINE_ROWS``. The same number gives the same rows.
"""

import random

from sqlalchemy import create_engine, insert, text

from syncline_cases.tables import count_setting, recreate
from syncline_cases.users.database import database_url
from syncline_cases.users.models import Base, User

DEFAULT_ROWS = 20
FIRST_NAMES = ("Ada", "Alan", "Barbara", "Donald", "Edsger", "Frances", "Grace", "Tony")
LAST_NAMES = ("Allen", "Dijkstra", "Hoare", "Hopper", "Knuth", "Liskov", "Lovelace", "Turing")


def main() -> None:
    count = count_setting("SYNCLINE_ROWS", DEFAULT_ROWS)
    engine = create_engine(database_url("psycopg"))
    with engine.begin() as connection:
        recreate(connection, Base.metadata)
        if count:
            connection.execute(insert(User), rows(count))
        connection.execute(text("ANALYZE users"))
    engine.dispose()


def rows(count: int, seed: int = 1) -> list[dict[str, str]]:
    """The rows to insert, in order."""
    random_source = random.Random(seed)
    result = []
    for number in range(1, count + 1):
        first, last = random_source.choice(FIRST_NAMES), random_source.choice(LAST_NAMES)
        email = f"{first}.{last}.{number}@example.com".lower()
        result.append({"name": f"{first} {last}", "email": email})
    return result


if __name__ == "__main__":
    main()
