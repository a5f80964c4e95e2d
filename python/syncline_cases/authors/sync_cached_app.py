"""Sync, through a cache. A request that finds its author there takes no connection."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Response
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from syncline_cases.authors.cache import Counts, make_cache
from syncline_cases.authors.database import database_url, engine_options
from syncline_cases.authors.models import Author, AuthorId, AuthorOut, to_json

engine = create_engine(database_url("sync"), **engine_options())
new_session = sessionmaker(engine)
cache = make_cache()
app = FastAPI(title="Authors, sync, cached")


def get_session() -> Iterator[Session]:
    with new_session() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


@app.get("/authors/{author_id}", response_model=AuthorOut)
def read_author(author_id: AuthorId, session: SessionDep) -> Response:
    def load() -> bytes | None:
        return to_json(session.get(Author, author_id))

    body = cache.get(f"author:{author_id}", load)
    if body is None:
        raise HTTPException(404, "no such author")
    return Response(body, media_type="application/json")


@app.get("/cache")
def read_cache() -> Counts:
    return cache.counts
