"""The queries, which sync and async share, with three ways of loading what belongs to a book.

Reads ``SYNCLINE_LOADING``. Of a page of N books:

- ``lazy`` (SQLAlchemy's default): 1 statement for the books, then 2 for each book when its
  authors and genres are touched: 1 + 2N. In async touching them is an error (MissingGreenlet),
  since it would have to wait where no ``await`` stands.
- ``joined``: 1 statement; a book comes once for each pair of its authors and genres.
- ``selectin``: 3 statements: the books, all their authors, all their genres.
"""

import os
from collections.abc import Iterable

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from syncline_cases.books.models import Author, Book, BookIn, BookOut, Genre

LOADING: dict[str, tuple[ExecutableOption, ...]] = {
    "lazy": (),
    "joined": (joinedload(Book.authors), joinedload(Book.genres)),
    "selectin": (selectinload(Book.authors), selectinload(Book.genres)),
}


def books() -> Select[Book]:
    """All books, loaded as the setting says. Take ``unique()`` of the result."""
    options = LOADING[os.environ.get("SYNCLINE_LOADING", "selectin")]
    return select(Book).options(*options).order_by(Book.id)


def page(limit: int) -> Select[Book]:
    return books().limit(limit)


def one(book_id: int) -> Select[Book]:
    return books().where(Book.id == book_id)


def authors_of(new: BookIn) -> Select[Author]:
    return select(Author).where(Author.id.in_(new.authors)).order_by(Author.id)


def genres_of(new: BookIn) -> Select[Genre]:
    return select(Genre).where(Genre.id.in_(new.genres)).order_by(Genre.id)


def to_wire(found: Iterable[Book]) -> list[BookOut]:
    """The books as they go out; this touches what belongs to them."""
    return [BookOut.model_validate(book) for book in found]
