"""RocksDB, a log-structured merge tree.

By default a change is written to the log, which the system keeps when the process dies; what
was not yet on the disk is lost with the power, and the store opens as it was some moments
before. With ``sync`` the log is on the disk before a change returns.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rocksdict import Options, Rdict, WriteBatch, WriteOptions

from syncline_cases.entities.store import Change, Store


def open_rocksdb(folder: Path, *, sync: bool) -> Store:
    database = Rdict(str(folder), Options(raw_mode=True))
    write_options = WriteOptions()
    write_options.sync = sync

    def write(changes: Sequence[Change]) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in changes:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        database.write(batch, write_opt=write_options)

    if sync:
        put = partial(database.put, write_opt=write_options)
        delete = partial(database.delete, write_opt=write_options)
    else:
        put, delete = partial(database.put), partial(database.delete)
    return Store(database.get, put, delete, write, database.close)
