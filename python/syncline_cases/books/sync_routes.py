"""The bookstore, sync: psycopg, and an engine of its own.

The session is open inside the endpoint only, so a connection is back in the pool before the
response is validated.
"""

from fastapi import APIRouter, HTTPException
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from syncline_cases.books import queries
from syncline_cases.books.database import database_url, engine_options
from syncline_cases.books.models import Book, BookId, BookIn, BookOut, Limit

engine = create_engine(database_url("psycopg"), **engine_options())
new_session = sessionmaker(engine, expire_on_commit=False)
router = APIRouter()


@router.get("/")
def read_books(limit: Limit = 200) -> list[BookOut]:
    with new_session() as session:
        return queries.to_wire(session.scalars(queries.page(limit)).unique())


@router.get("/{book_id}")
def read_book(book_id: BookId) -> BookOut:
    with new_session() as session:
        return BookOut.model_validate(find(session, book_id))


@router.post("/", status_code=201)
def create_book(new: BookIn) -> BookOut:
    with new_session.begin() as session:
        book = Book()
        session.add(fill(session, book, new))
        session.flush()
        return BookOut.model_validate(book)


@router.put("/{book_id}")
def update_book(book_id: BookId, new: BookIn) -> BookOut:
    with new_session.begin() as session:
        return BookOut.model_validate(fill(session, find(session, book_id), new))


@router.delete("/{book_id}", status_code=204)
def delete_book(book_id: BookId) -> None:
    with new_session.begin() as session:
        session.delete(find(session, book_id))


def find(session: Session, book_id: int) -> Book:
    book = session.scalars(queries.one(book_id)).unique().one_or_none()
    if book is None:
        raise HTTPException(404, "no such book")
    return book


def fill(session: Session, book: Book, new: BookIn) -> Book:
    authors = session.scalars(queries.authors_of(new)).all()
    genres = session.scalars(queries.genres_of(new)).all()
    if len(authors) < len(new.authors) or len(genres) < len(new.genres):
        raise HTTPException(409, "no such author or genre")
    book.title, book.year = new.title, new.year
    book.authors, book.genres = list(authors), list(genres)
    return book
