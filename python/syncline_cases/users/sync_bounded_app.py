"""Sync, cured in one argument: no more requests hold a session than there are connections.

The others wait for their turn without a thread, so whoever holds a connection always finds
a thread for the response.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from syncline_cases.users.database import database_url
from syncline_cases.users.models import ALL_USERS, User, UserIn, UserOut, example_user

POOL_SIZE = 15

engine = create_engine(database_url("psycopg"), pool_size=POOL_SIZE, max_overflow=0)
new_session = sessionmaker(engine, expire_on_commit=False)
app = FastAPI(title="Users, sync, bounded sessions")


def get_session() -> Iterator[Session]:
    with new_session() as session:
        yield session


# One Depends object for all endpoints: the limit belongs to the object, not to the function.
SessionDep = Annotated[Session, Depends(get_session, max_concurrency=POOL_SIZE)]


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
