"""Sync, cured: the session opens and closes inside the endpoint.

The connection is back in the pool before the response is validated, so nobody holds a
connection while waiting for a thread.
"""

from collections.abc import Sequence

from fastapi import FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from syncline_cases.users.database import database_url
from syncline_cases.users.models import ALL_USERS, User, UserIn, UserOut, example_user

engine = create_engine(database_url("psycopg"))
new_session = sessionmaker(engine, expire_on_commit=False)
app = FastAPI(title="Users, sync, session inside the endpoint")


@app.get("/users", response_model=list[UserOut])
def read_users() -> Sequence[User]:
    with new_session() as session:
        return session.scalars(ALL_USERS).all()


@app.get("/users/insert-data-to-test", response_model=UserOut)
def insert_example() -> User:
    return insert(example_user())


@app.post("/users", response_model=UserOut, status_code=201)
def create_user(new: UserIn) -> User:
    return insert(User(**new.model_dump()))


def insert(user: User) -> User:
    with new_session.begin() as session:
        session.add(user)
    return user
