"""What the server asks of an embedded store, and the stores there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Change: TypeAlias = tuple[bytes, bytes | None]
StoreName: TypeAlias = Literal["rocksdb", "lmdb"]
STORES: tuple[StoreName, ...] = ("rocksdb", "lmdb")


@dataclass(frozen=True, slots=True)
class Store:
    """An open store, as functions that may be called from any thread.

    When a change returns, it survives the death of the process; and the loss of power, too,
    if the store was opened with ``sync``.

    Attributes:
        get: the value of a key, or None.
        put: sets the value of a key.
        delete: takes a key away; one that is not there is no error.
        write: changes all or none; None as a value deletes.
        close: nothing else may be called after it.
    """

    get: Callable[[bytes], bytes | None]
    put: Callable[[bytes, bytes], None]
    delete: Callable[[bytes], None]
    write: Callable[[Sequence[Change]], None]
    close: Callable[[], None]


def open_store(name: StoreName, folder: Path, *, sync: bool = False) -> Store:
    """Opens the store in a folder, which is made if need be.

    Args:
        sync: every change, or batch of changes, is on the disk before it returns.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if name == "lmdb":
        from syncline_cases.entities.lightning import open_lmdb

        return open_lmdb(folder, sync=sync)
    from syncline_cases.entities.rocks import open_rocksdb

    return open_rocksdb(folder, sync=sync)
