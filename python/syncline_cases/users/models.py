"""The table, and what goes over the wire."""

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# By which ``prepare`` knows the table as its own before it drops it.
TABLE_COMMENT = "syncline: case users"


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    __table_args__ = ({"comment": TABLE_COMMENT},)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)


class UserIn(BaseModel):
    name: str
    email: str


class UserOut(UserIn):
    model_config = ConfigDict(from_attributes=True)

    id: int
    is_active: bool


ALL_USERS = select(User).order_by(User.id)


def example_user() -> User:
    """What ``GET /users/insert-data-to-test`` inserts."""
    return User(name="Ada Lovelace", email="ada@example.com")
