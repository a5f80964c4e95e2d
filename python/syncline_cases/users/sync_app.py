"""Sync, as tutorials teach it: the session comes from a generator dependency.

Fault: the session goes back to the pool when the request is over, and the response is
validated before that, in a worker thread. With 15 connections and 40 threads, 55 requests
in flight can deadlock: 15 hold a connection and wait for a thread, 40 hold a thread and wait
for a connection. ``sync_bounded_app`` and ``sync_session_inside_app`` cannot.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from syncline_cases.users.database import database_url
from syncline_cases.users.models import ALL_USERS, User, UserIn, UserOut, example_user

engine = create_engine(database_url("psycopg"))
new_session = sessionmaker(engine, expire_on_commit=False)
app = FastAPI(title="Users, sync")


def get_session() -> Iterator[Session]:
    with new_session() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


@app.get("/users", response_model=list[UserOut])
def read_users(session: SessionDep) -> Sequence[User]:
    return session.scalars(ALL_USERS).all()


@app.get("/users/insert-data-to-test", response_model=UserOut)
def insert_example(session: SessionDep) -> User:
    return insert(session, example_user())


@app.post("/users", response_model=UserOut, status_code=201)
def create_user(new: UserIn, session: SessionDep) -> User:
    return insert(session, User(**new.model_dump()))


def insert(session: Session, user: User) -> User:
    session.add(user)
    session.commit()
    return user
