"""Async, through a cache. A request that finds its author there takes no connection."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Response
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from syncline_cases.authors.cache import Counts, make_async_cache
from syncline_cases.authors.database import database_url, engine_options
from syncline_cases.authors.models import Author, AuthorId, AuthorOut, to_json

engine = create_async_engine(database_url("async"), **engine_options())
new_session = async_sessionmaker(engine)
cache = make_async_cache()
app = FastAPI(title="Authors, async, cached")


async def get_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]


@app.get("/authors/{author_id}", response_model=AuthorOut)
async def read_author(author_id: AuthorId, session: SessionDep) -> Response:
    async def load() -> bytes | None:
        return to_json(await session.get(Author, author_id))

    body = await cache.get(f"author:{author_id}", load)
    if body is None:
        raise HTTPException(404, "no such author")
    return Response(body, media_type="application/json")


@app.get("/cache")
async def read_cache() -> Counts:
    return cache.counts
