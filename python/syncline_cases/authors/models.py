"""The table, and what goes over the wire."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict
from sqlalchemy import String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# By which ``prepare`` knows the table as its own before it drops it.
TABLE_COMMENT = "syncline: case authors"

AuthorId = Annotated[int, Path(ge=1, le=2**31 - 1)]


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    __table_args__ = ({"comment": TABLE_COMMENT},)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    born: Mapped[int]
    biography: Mapped[str] = mapped_column(Text)


class AuthorOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    born: int
    biography: str


def to_json(author: Author | None) -> bytes | None:
    """What a cache keeps of an author: the body of the response."""
    return AuthorOut.model_validate(author).model_dump_json().encode() if author else None
