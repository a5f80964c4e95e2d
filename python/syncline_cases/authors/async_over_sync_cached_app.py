"""The fault, behind a cache: an async client of the cache, a synchronous driver.

While the cache has the author nobody takes a connection. When the entry expires, all that
are under way miss it at once, each takes a connection on the event loop, and the 16th blocks
the loop: the cache turns a standstill under load into one at every expiry. One load per key
at a time (``SYNCLINE_CACHE_SINGLE_FLIGHT=on``) takes one connection instead.
"""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Response
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from syncline_cases.authors.cache import Counts, make_async_cache
from syncline_cases.authors.database import database_url, engine_options
from syncline_cases.authors.models import Author, AuthorId, AuthorOut, to_json

engine = create_engine(database_url("sync"), **engine_options())
new_session = sessionmaker(engine)
cache = make_async_cache()
app = FastAPI(title="Authors, async over a synchronous driver, cached")


def get_session() -> Iterator[Session]:
    with new_session() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


@app.get("/authors/{author_id}", response_model=AuthorOut)
async def read_author(author_id: AuthorId, session: SessionDep) -> Response:
    async def load() -> bytes | None:
        return to_json(session.get(Author, author_id))

    body = await cache.get(f"author:{author_id}", load)
    if body is None:
        raise HTTPException(404, "no such author")
    return Response(body, media_type="application/json")


@app.get("/cache")
async def read_cache() -> Counts:
    return cache.counts
