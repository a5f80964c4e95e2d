"""The tables, and what goes over the wire."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Column, ForeignKey, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

# By which ``prepare`` knows the tables as its own before it drops them.
TABLE_COMMENT = "syncline: case books"
COMMENTED = {"comment": TABLE_COMMENT}

BookId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Id = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Base(DeclarativeBase):
    pass


def link(name: str, other: str) -> Table:
    """The table between books and another one."""
    return Table(
        name,
        Base.metadata,
        Column("book_id", ForeignKey("books.id", ondelete="CASCADE"), primary_key=True),
        Column("other_id", ForeignKey(f"{other}.id"), primary_key=True),
        comment=TABLE_COMMENT,
    )


class Author(Base):
    __tablename__ = "books_authors"
    __table_args__ = (COMMENTED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Genre(Base):
    __tablename__ = "books_genres"
    __table_args__ = (COMMENTED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Book(Base):
    __tablename__ = "books"
    __table_args__ = (COMMENTED,)

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    year: Mapped[int]
    authors: Mapped[list[Author]] = relationship(
        secondary=link("books_by_author", "books_authors"),
        order_by=Author.id,
        passive_deletes=True,
    )
    genres: Mapped[list[Genre]] = relationship(
        secondary=link("books_in_genre", "books_genres"), order_by=Genre.id, passive_deletes=True
    )


class Named(BaseModel):
    """An author or a genre."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str


class BookOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    year: int
    authors: list[Named]
    genres: list[Named]


class BookIn(BaseModel):
    """A book to create, or all of a book to update; authors and genres by their ids."""

    title: str = Field(min_length=1)
    year: int = Field(ge=0, le=9999)
    authors: set[Id] = Field(min_length=1)
    genres: set[Id] = Field(default_factory=set)
