"""Creates the table and fills it: ``python -m syncline_cases.users.prepare``.

Reads ``DATABASE_URL`` and ``SYNCLINE_ROWS``. The same number gives the same rows.
"""

import os
import random

from sqlalchemy import Connection, create_engine, insert, inspect, text

from syncline_cases.tables import refused
from syncline_cases.users.database import database_url
from syncline_cases.users.models import TABLE_COMMENT, Base, User

DEFAULT_ROWS = 20
FIRST_NAMES = ("Ada", "Alan", "Barbara", "Donald", "Edsger", "Frances", "Grace", "Tony")
LAST_NAMES = ("Allen", "Dijkstra", "Hoare", "Hopper", "Knuth", "Liskov", "Lovelace", "Turing")


def main() -> None:
    count = row_count(os.environ.get("SYNCLINE_ROWS", str(DEFAULT_ROWS)))
    engine = create_engine(database_url("psycopg"))
    with engine.begin() as connection:
        refuse_foreign_table(connection)
        Base.metadata.drop_all(connection)
        Base.metadata.create_all(connection)
        if count:
            connection.execute(insert(User), rows(count))
        connection.execute(text("ANALYZE users"))
    engine.dispose()


def row_count(text: str) -> int:
    if not text.isdecimal():
        raise refused(f"SYNCLINE_ROWS is {text!r}; it must be a whole number, 0 or more.")
    return int(text)


def rows(count: int, seed: int = 1) -> list[dict[str, str]]:
    """The rows to insert, in order."""
    random_source = random.Random(seed)
    result = []
    for number in range(1, count + 1):
        first, last = random_source.choice(FIRST_NAMES), random_source.choice(LAST_NAMES)
        email = f"{first}.{last}.{number}@example.com".lower()
        result.append({"name": f"{first} {last}", "email": email})
    return result


def refuse_foreign_table(connection: Connection) -> None:
    """Ends the program if ``users`` exists and is not ours: it would be dropped."""
    inspector = inspect(connection)
    if not inspector.has_table(User.__tablename__):
        return
    if inspector.get_table_comment(User.__tablename__)["text"] != TABLE_COMMENT:
        raise refused(
            "The database has a table 'users' that is not this case's; give another database."
        )


if __name__ == "__main__":
    main()
