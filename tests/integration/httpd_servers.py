"""The file server of the case, started in the test's own process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from syncline_cases.httpd.connection import LogLine
from syncline_cases.httpd.files import Root
from syncline_cases.httpd.limits import Limits
from syncline_cases.httpd.owning_pool import OwningPool
from syncline_cases.httpd.server import Server
from syncline_cases.httpd.sharing_pool import SharingPool

PoolName = Literal["owning", "sharing"]
LARGE = bytes(range(256)) * 40_000

SHORT = Limits(idle_s=0.3, request_s=0.3, send_s=0.3, linger_s=0.2)


def fill(folder: Path) -> None:
    """What the tests ask for."""
    (folder / "pages").mkdir(parents=True)
    (folder / "index.html").write_bytes(b"<p>home</p>\n")
    (folder / "style.css").write_bytes(b"p {}\n")
    (folder / "data").write_bytes(b"\x00\x01")
    (folder / "archive.tar.gz").write_bytes(b"gzip")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "large.bin").write_bytes(LARGE)


@contextlib.contextmanager
def serving(
    folder: Path,
    pool: PoolName,
    *,
    workers: int = 2,
    limits: Limits | None = None,
    log: LogLine | None = None,
) -> Iterator[Server]:
    """A server on a free port, stopped at the end."""
    root = Root(str(folder))
    workers_pool = OwningPool(workers) if pool == "owning" else SharingPool(workers)
    server = Server(("127.0.0.1", 0), root, workers_pool, limits, log)
    server.start()
    try:
        yield server
    finally:
        clean = server.stop(grace_s=20)
        if clean:
            root.close()
        assert clean, "a worker was still held at the end"
