"""Sync: ``def`` endpoints, which run on worker threads, and a synchronous driver."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from syncline_cases.authors.database import database_url, engine_options
from syncline_cases.authors.models import Author, AuthorId, AuthorOut

engine = create_engine(database_url("sync"), **engine_options())
new_session = sessionmaker(engine)
app = FastAPI(title="Authors, sync")


def get_session() -> Iterator[Session]:
    with new_session() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


@app.get("/authors/{author_id}", response_model=AuthorOut)
def read_author(author_id: AuthorId, session: SessionDep) -> Author:
    author = session.get(Author, author_id)
    if author is None:
        raise HTTPException(404, "no such author")
    return author
