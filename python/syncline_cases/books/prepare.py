"""Creates the tables and fills them: ``python -m syncline_cases.books.prepare``.

Reads ``DATABASE_URL`` and ``SYNCLINE_BOOKS``. The same number gives the same rows.
"""

import random

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from syncline_cases.books.database import database_url
from syncline_cases.books.models import Author, Base, Book, Genre
from syncline_cases.tables import count_setting, recreate

DEFAULT_BOOKS = 120
GENRES = ("Crime", "Essay", "Fable", "History", "Myth", "Poetry", "Satire", "Travel")
FIRST_NAMES = ("Ada", "Émilie", "Gabriel", "Jorge", "Naguib", "Olga", "Toni", "Wisława")
LAST_NAMES = ("Borges", "Lovelace", "Mahfuz", "Morrison", "Szymborska", "Tokarczuk", "Zola")
WORDS = ("River", "Night", "Glass", "Letters", "Winter", "Island", "Clock", "Garden", "Stone")


def main() -> None:
    count = count_setting("SYNCLINE_BOOKS", DEFAULT_BOOKS)
    engine = create_engine(database_url("psycopg"))
    with engine.begin() as connection:
        recreate(connection, Base.metadata)
        with Session(connection) as session:
            session.add_all(stock(count))
            session.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def stock(count: int, seed: int = 1) -> list[Base]:
    """All that is to insert: every author and genre, and the books in order."""
    source = random.Random(seed)
    names = [f"{first} {last}" for last in LAST_NAMES for first in FIRST_NAMES]
    authors = [Author(id=number, name=name) for number, name in enumerate(names, 1)]
    genres = [Genre(id=number, name=name) for number, name in enumerate(GENRES, 1)]
    books = [
        Book(
            title=" ".join(source.choices(WORDS, k=4)),
            year=source.randint(1900, 1999),
            authors=sorted(source.sample(authors, source.choice((1, 2))), key=lambda a: a.id),
            genres=sorted(source.sample(genres, source.choice((1, 1, 2))), key=lambda g: g.id),
        )
        for _ in range(count)
    ]
    return [*authors, *genres, *books]


if __name__ == "__main__":
    main()
