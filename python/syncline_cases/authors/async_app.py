"""Async from the socket to the database: nothing in a request needs a thread."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from syncline_cases.authors.database import database_url, engine_options
from syncline_cases.authors.models import Author, AuthorId, AuthorOut

engine = create_async_engine(database_url("async"), **engine_options())
new_session = async_sessionmaker(engine)
app = FastAPI(title="Authors, async")


async def get_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]


@app.get("/authors/{author_id}", response_model=AuthorOut)
async def read_author(author_id: AuthorId, session: SessionDep) -> Author:
    author = await session.get(Author, author_id)
    if author is None:
        raise HTTPException(404, "no such author")
    return author
