"""Creates the table and fills it: ``python -m syncline_cases.authors.prepare``.

Reads ``DATABASE_URL`` and ``SYNCLINE_AUTHORS``. The same number gives the same rows.
"""

import random

from sqlalchemy import create_engine, insert

from syncline_cases.authors.database import database_url
from syncline_cases.authors.models import Author, Base
from syncline_cases.tables import count_setting, recreate

DEFAULT_AUTHORS = 1000
FIRST_NAMES = ("Ada", "Émilie", "Gabriel", "Jorge", "Naguib", "Olga", "Toni", "Wisława")
LAST_NAMES = ("Borges", "Lovelace", "Mahfuz", "Morrison", "Szymborska", "Tokarczuk", "Zola")
WORDS = ("born", "wrote", "letters", "novel", "poems", "prize", "lived", "city", "sea", "years")


def main() -> None:
    count = count_setting("SYNCLINE_AUTHORS", DEFAULT_AUTHORS, least=1)
    engine = create_engine(database_url("sync"))
    with engine.begin() as connection:
        recreate(connection, Base.metadata)
        connection.execute(insert(Author), rows(count))
    engine.dispose()


def rows(count: int, seed: int = 1) -> list[dict[str, str | int]]:
    """The rows to insert, in order."""
    random_source = random.Random(seed)
    result: list[dict[str, str | int]] = []
    for _ in range(count):
        first, last = random_source.choice(FIRST_NAMES), random_source.choice(LAST_NAMES)
        words = " ".join(random_source.choices(WORDS, k=80))
        born = random_source.randint(1600, 1999)
        result.append({"name": f"{first} {last}", "born": born, "biography": words})
    return result


if __name__ == "__main__":
    main()
