"""The store that the environment names."""

import os
from pathlib import Path

from syncline_cases.entities.store import STORES, open_store

STORE = open_store(
    next(name for name in STORES if name == os.environ["STORE"]),
    Path(os.environ["DATA"]),
    sync=False,
)
PREFIX = b"id="
EMPTY: list[tuple[bytes, bytes]] = [(b"content-length", b"0")]
BYTES = (b"content-type", b"application/octet-stream")
