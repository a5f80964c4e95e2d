"""Files of recorded requests: read, told apart, and made into what a plan takes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from syncline.errors import UsageError
from syncline.imports import Imported, from_curl, from_har, from_log, mix, rows
from syncline.plan import Request


def read_recorded(file: str, kind: str, *, keep_credentials: bool) -> Imported:
    """The requests of a file of that kind: ``har``, ``curl``, ``log``, or ``auto``.

    Raises:
        UsageError: it cannot be read.
    """
    text = sys.stdin.read() if file == "-" else read_file(file).decode("utf-8", "replace")
    if kind == "auto":
        kind = _kind(text)
    if kind == "har":
        return from_har(text, keep_credentials=keep_credentials)
    if kind == "curl":
        return from_curl(text, read_file, keep_credentials=keep_credentials)
    return from_log(text)


def read_file(name: str) -> bytes:
    """A file's bytes.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from None


def rows_or_mix(requests: Sequence[Request], folder: Path, what: str) -> tuple[Request, ...]:
    """Requests in their order, from tables written to the folder; or as a mix if they must.

    Raises:
        UsageError: there are too many kinds for either.
    """
    found = rows(requests, lambda number: str(folder / f"{number}.csv"), what)
    if found is not None:
        for table in found:
            Path(table.file).write_text(table.table, encoding="utf-8", newline="")
        return tuple(table.request for table in found)
    mixed = mix(requests)
    if mixed is None:
        raise UsageError(
            f"{len(requests)} requests differ in too many ways (headers, or bodies that are no "
            "text) to be sent as one load; record fewer."
        )
    return mixed


def _kind(text: str) -> str:
    start = text.lstrip("\ufeff \t\r\n")
    lines = [line for line in start.splitlines() if line and not line.startswith("#")]
    if lines and lines[0].split(maxsplit=1)[0] in ("curl", "curl.exe"):
        return "curl"
    return "har" if start.startswith("{") and '"entries"' in text else "log"
