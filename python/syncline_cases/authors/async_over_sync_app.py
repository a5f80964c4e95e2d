"""The fault: ``async def`` over a synchronous driver.

Statements run on the event loop. When the pool is empty, the next check-out blocks the loop
itself, and with it every dependency's exit that would give a connection back: from 16
requests in flight (pool 5 + 10) everything stands still until the pool's time-out.
"""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from syncline_cases.authors.database import database_url, engine_options
from syncline_cases.authors.models import Author, AuthorId, AuthorOut

engine = create_engine(database_url("sync"), **engine_options())
new_session = sessionmaker(engine)
app = FastAPI(title="Authors, async over a synchronous driver")


def get_session() -> Iterator[Session]:
    with new_session() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


@app.get("/authors/{author_id}", response_model=AuthorOut)
async def read_author(author_id: AuthorId, session: SessionDep) -> Author:
    author = session.get(Author, author_id)
    if author is None:
        raise HTTPException(404, "no such author")
    return author
