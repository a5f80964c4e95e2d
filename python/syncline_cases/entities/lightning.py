"""LMDB, a B-tree in a memory map.

Without ``sync`` a change is in the system's memory when it returns and outlives the process;
when the power fails meanwhile, pages may have reached the disk in any order and the whole
store may be broken. With ``sync``, LMDB's own default, it is on the disk first.
"""

from collections.abc import Sequence
from pathlib import Path

import lmdb

from syncline_cases.entities.store import Change, Store

MAP_BYTES = 4 * 1024**3  # the most that the store can hold; the file is sparse


def open_lmdb(folder: Path, *, sync: bool) -> Store:
    environment = lmdb.open(
        str(folder), map_size=MAP_BYTES, sync=sync, metasync=sync, writemap=not sync
    )
    begin = environment.begin

    def get(key: bytes) -> bytes | None:
        with begin() as transaction:
            return transaction.get(key)

    def put(key: bytes, value: bytes) -> None:
        with begin(write=True) as transaction:
            transaction.put(key, value)

    def delete(key: bytes) -> None:
        with begin(write=True) as transaction:
            transaction.delete(key)

    def write(changes: Sequence[Change]) -> None:
        with begin(write=True) as transaction:
            for key, value in changes:
                if value is None:
                    transaction.delete(key)
                else:
                    transaction.put(key, value)

    return Store(get, put, delete, write, environment.close)
