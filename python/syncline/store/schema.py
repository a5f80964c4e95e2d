"""The tables, and their version.

A change of the tables or of the payloads' shape that an older Syncline cannot read raises
:data:`SCHEMA_VERSION` and adds a step to :mod:`syncline.store.migrate`.

Versions: 1, the first; 2, the user's commit beside each run, how a run is done and taken up
again in its payload.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    func,
    insert,
    inspect,
    select,
)

from syncline.errors import StoreError

SCHEMA_VERSION = 2

METADATA = MetaData()

SCHEMA = Table(
    "syncline_schema",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
)

RUNS = Table(
    "runs",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("case_name", String(200), nullable=False),
    Column("purpose", String, nullable=False),
    Column("status", String(20), nullable=False),
    Column("started", String(40), nullable=False),
    Column("ended", String(40)),
    Column("planned", Integer, nullable=False),
    # The run's RunRecord without its trials, as packed by payload.py.
    Column("payload", LargeBinary, nullable=False),
    Column("checksum", String(64), nullable=False),
    Column("commit_id", String(64)),
    Column("dirty", Boolean),
    Index("runs_by_start", "started"),
)

TRIALS = Table(
    "trials",
    METADATA,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(40), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("identity", String(40), nullable=False),
    Column("variant", String(200), nullable=False),
    Column("load_name", String(200), nullable=False),
    Column("connections", Integer, nullable=False),
    Column("repeat", Integer, nullable=False),
    Column("validity", String(20), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("checksum", String(64), nullable=False),
    UniqueConstraint("run_id", "identity"),
    Index("trials_by_identity", "identity"),
)

# Any number will do, as long as every Syncline uses the same one.
_SCHEMA_LOCK = 0x53594E43


def lock_schema(connection: Connection) -> None:
    """Lets one process at a time look at the tables and make them.

    SQLite has locked all of the database when a transaction begins.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))


def schema_version(connection: Connection, where: str) -> int | None:
    """The version of the tables; None if the database is empty.

    Raises:
        StoreError: the store is newer than this Syncline, or another program's database.
    """
    tables = set(inspect(connection).get_table_names())
    if SCHEMA.name not in tables:
        if foreign := sorted(tables):
            raise StoreError(
                f"{where} is not a store of Syncline: it has the tables {', '.join(foreign[:5])}. "
                "Name another place with --store."
            )
        return None
    version = connection.scalar(select(SCHEMA.c.version))
    if version is None or not 1 <= version <= SCHEMA_VERSION:
        raise StoreError(
            f"{where} has schema version {version}; this Syncline reads versions 1 to "
            f"{SCHEMA_VERSION}. Upgrade Syncline, or name another place with --store."
        )
    return int(version)


def create_schema(connection: Connection) -> None:
    """Makes the tables in an empty database."""
    METADATA.create_all(connection)
    connection.execute(insert(SCHEMA).values(version=SCHEMA_VERSION))
