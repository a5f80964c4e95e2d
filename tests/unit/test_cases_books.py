"""The case ``books``: its variants, its data, its queries."""

from __future__ import annotations

import pytest

from syncline_cases.books import queries
from syncline_cases.books.case import CASE
from syncline_cases.books.database import database_url, engine_options
from syncline_cases.books.models import Book, BookIn
from syncline_cases.books.prepare import stock


def test_the_faulty_budget_exceeds_the_server_and_the_cured_one_does_not() -> None:
    for name, wanted in (("four-workers-pool50", 480), ("four-workers-pool10", 96)):
        variant = CASE.variant(name)
        settings = variant.settings
        per_engine = int(settings["pool_size"]) + int(settings["max_overflow"])
        assert variant.workers * 2 * per_engine == wanted
        assert variant.backends["postgres"]["max_connections"] == "100"
        assert str(wanted) in variant.title
    assert wanted <= 100 - 3 < 480  # less superuser_reserved_connections


def test_variants_that_exhaust_a_server_share_it_with_nobody() -> None:
    servers = [str(CASE.variant(name).backends) for name in CASE.default_variants]
    for name in ("four-workers-pool50", "four-workers-pool10"):
        assert servers.count(str(CASE.variant(name).backends)) == 1


def test_the_same_number_of_books_is_the_same_books() -> None:
    def told(count: int, seed: int = 1) -> list[object]:
        return [
            (book.title, book.year, [a.id for a in book.authors], [g.id for g in book.genres])
            for book in stock(count, seed)
            if isinstance(book, Book)
        ]

    assert told(20) == told(20)
    assert told(20) == told(30)[:20]
    assert told(20) != told(20, seed=2)


@pytest.mark.parametrize("loading", list(queries.LOADING))
def test_a_page_is_cut_by_books_whatever_is_joined(
    monkeypatch: pytest.MonkeyPatch, loading: str
) -> None:
    monkeypatch.setenv("SYNCLINE_LOADING", loading)
    statement = str(queries.page(7))
    books_only, _, joins = statement.partition("LIMIT")
    assert "JOIN" not in books_only
    assert ("JOIN" in joins) == (loading == "joined")


def test_a_book_needs_a_title_and_an_author() -> None:
    wrongs: list[dict[str, object]] = [
        {"title": ""},
        {"authors": []},
        {"authors": [0]},
        {"year": 10_000},
    ]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="1 validation error"):
            BookIn.model_validate({"title": "x", "year": 1, "authors": [1], **wrong})


def test_the_pool_is_sqlalchemys_own_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POOL_SIZE", "MAX_OVERFLOW", "ECHO"):
        monkeypatch.delenv(f"SYNCLINE_{name}", raising=False)
    assert engine_options() == {"echo": False}
    monkeypatch.setenv("SYNCLINE_POOL_SIZE", "50")
    monkeypatch.setenv("SYNCLINE_MAX_OVERFLOW", "0")
    assert engine_options() == {"echo": False, "pool_size": 50, "max_overflow": 0}
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@host/db")
    assert database_url("asyncpg").drivername == "postgresql+asyncpg"
