"""The fault: ``async def`` over a synchronous driver.

Statements run on the event loop. When the pool is empty, the next check-out blocks the loop
itself, and with it every dependency's exit that would give a connection back: from 16
requests in flight (pool 5 + 10) everything stands still until the pool's time-out.
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
app = FastAPI(title="Users, async over a synchronous driver")


def get_session() -> Iterator[Session]:
    with new_session() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


@app.get("/users", response_model=list[UserOut])
async def read_users(session: SessionDep) -> Sequence[User]:
    return session.scalars(ALL_USERS).all()


@app.get("/users/insert-data-to-test", response_model=UserOut)
async def insert_example(session: SessionDep) -> User:
    return insert(session, example_user())


@app.post("/users", response_model=UserOut, status_code=201)
async def create_user(new: UserIn, session: SessionDep) -> User:
    return insert(session, User(**new.model_dump()))


def insert(session: Session, user: User) -> User:
    session.add(user)
    session.commit()
    return user
