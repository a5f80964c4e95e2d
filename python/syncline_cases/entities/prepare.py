"""Something to read: ``python -m syncline_cases.entities.prepare FOLDER``; seeded."""

import base64
import itertools
import os
import random
import string
import sys
from collections.abc import Iterator
from pathlib import Path

from syncline_cases.entities.store import STORES, StoreName, open_store

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits
VALUE_BYTES = 300
ALL_KEYS = len(ALPHABET) ** 3  # 238,328
_AT_ONCE = 10_000


def entities(count: int, seed: int = 1) -> Iterator[tuple[bytes, bytes]]:
    """Keys of three characters, each once, in a random order, and values of the same letters."""
    random_source = random.Random(seed)
    keys = ["".join(key) for key in itertools.product(ALPHABET, repeat=3)]
    random_source.shuffle(keys)
    for key in keys[:count]:
        value = base64.b64encode(random_source.randbytes(VALUE_BYTES * 3 // 4), b"Az")
        yield key.encode(), value


def fill(folder: Path, store_name: StoreName, count: int = ALL_KEYS) -> None:
    """Writes the first ``count`` entities to the store in a folder."""
    store = open_store(store_name, folder)
    try:
        source = entities(count)
        while batch := list(itertools.islice(source, _AT_ONCE)):
            store.write(batch)
    finally:
        store.close()


def wanted() -> int:
    """``SYNCLINE_ENTITIES``, or all keys there are."""
    text = os.environ.get("SYNCLINE_ENTITIES", str(ALL_KEYS))
    if not (text.isascii() and text.isdecimal()):
        raise SystemExit(f"SYNCLINE_ENTITIES is {text!r}; it must be a whole number, 0 or more.")
    return min(int(text), ALL_KEYS)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m syncline_cases.entities.prepare FOLDER")
    fill(Path(sys.argv[1]) / "store", STORES[0], wanted())
