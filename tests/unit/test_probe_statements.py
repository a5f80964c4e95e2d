"""Statements of drivers, however they are given."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from syncline_probe import ledger, requests
from syncline_probe.statements import count_methods, counted, counted_async


class Cursor:
    def execute(self, query: str, params: Any = None) -> tuple[str, Any]:
        return query, params

    async def fetch(self, query: str, params: Any = None) -> tuple[str, Any]:
        return query, params

    def executemany(self, command: str) -> str:
        return command


@pytest.mark.parametrize("name", ["execute", "fetch"])
def test_a_statement_that_is_given_by_name_is_run_and_counted(name: str) -> None:
    kind = type("Kind", (Cursor,), {})
    count_methods(kind, ["execute", "executemany"], counted)
    count_methods(kind, ["fetch"], counted_async)
    request = requests.begin("GET", "/")
    token = ledger.current.set(request)
    try:
        for given in ({"query": "SELECT 1"}, {"query": "COMMIT"}, {"query": "SELECT 1"}):
            found = getattr(kind(), name)(**given, params=2)
            found = asyncio.run(found) if name == "fetch" else found
            assert found == (given["query"], 2)
        assert kind().executemany(command="SELECT 2") == "SELECT 2"
    finally:
        ledger.current.reset(token)
        requests.end(request)
        requests.forget()
    assert (request.statements, request.texts) == (2, {"SELECT 1": 2})
