"""The bookstore, async: asyncpg, and an engine of its own."""

from fastapi import APIRouter, HTTPException
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from syncline_cases.books import queries
from syncline_cases.books.database import database_url, engine_options
from syncline_cases.books.models import Book, BookId, BookIn, BookOut, Limit

engine = create_async_engine(database_url("asyncpg"), **engine_options())
new_session = async_sessionmaker(engine, expire_on_commit=False)
router = APIRouter()


@router.get("/")
async def read_books(limit: Limit = 200) -> list[BookOut]:
    async with new_session() as session:
        return queries.to_wire((await session.scalars(queries.page(limit))).unique())


@router.get("/{book_id}")
async def read_book(book_id: BookId) -> BookOut:
    async with new_session() as session:
        return BookOut.model_validate(await find(session, book_id))


@router.post("/", status_code=201)
async def create_book(new: BookIn) -> BookOut:
    async with new_session.begin() as session:
        book = Book()
        session.add(await fill(session, book, new))
        await session.flush()
        return BookOut.model_validate(book)


@router.put("/{book_id}")
async def update_book(book_id: BookId, new: BookIn) -> BookOut:
    async with new_session.begin() as session:
        book = await find(session, book_id)
        return BookOut.model_validate(await fill(session, book, new))


@router.delete("/{book_id}", status_code=204)
async def delete_book(book_id: BookId) -> None:
    async with new_session.begin() as session:
        await session.delete(await find(session, book_id))


async def find(session: AsyncSession, book_id: int) -> Book:
    book = (await session.scalars(queries.one(book_id))).unique().one_or_none()
    if book is None:
        raise HTTPException(404, "no such book")
    return book


async def fill(session: AsyncSession, book: Book, new: BookIn) -> Book:
    authors = (await session.scalars(queries.authors_of(new))).all()
    genres = (await session.scalars(queries.genres_of(new))).all()
    if len(authors) < len(new.authors) or len(genres) < len(new.genres):
        raise HTTPException(409, "no such author or genre")
    book.title, book.year = new.title, new.year
    book.authors, book.genres = list(authors), list(genres)
    return book
