"""Async from the socket to the database: nothing in a request needs a thread."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from syncline_cases.users.database import database_url
from syncline_cases.users.models import ALL_USERS, User, UserIn, UserOut, example_user

engine = create_async_engine(database_url("asyncpg"))
new_session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI(title="Users, async")


async def get_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]


@app.get("/users", response_model=list[UserOut])
async def read_users(session: SessionDep) -> Sequence[User]:
    return (await session.scalars(ALL_USERS)).all()


@app.get("/users/insert-data-to-test", response_model=UserOut)
async def insert_example(session: SessionDep) -> User:
    return await insert(session, example_user())


@app.post("/users", response_model=UserOut, status_code=201)
async def create_user(new: UserIn, session: SessionDep) -> User:
    return await insert(session, User(**new.model_dump()))


async def insert(session: AsyncSession, user: User) -> User:
    session.add(user)
    await session.commit()
    return user
