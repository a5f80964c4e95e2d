"""The tables, and their version.

A change of the tables or of the payloads' shape that an older Syncline cannot read raises
:data:`SCHEMA_VERSION`.
"""

from __future__ import annotations

from sqlalchemy import (
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
    insert,
    inspect,
    select,
)

from syncline.errors import StoreError

SCHEMA_VERSION = 1

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


def ensure_schema(connection: Connection, where: str) -> None:
    """Creates the tables in an empty database; else checks that this version can read them.

    Raises:
        StoreError: the store is of another version, or another program's database.
    """
    tables = set(inspect(connection).get_table_names())
    if SCHEMA.name not in tables:
        if foreign := sorted(tables):
            raise StoreError(
                f"{where} is not a store of Syncline: it has the tables {', '.join(foreign[:5])}. "
                "Name another place with --store."
            )
        METADATA.create_all(connection)
        connection.execute(insert(SCHEMA).values(version=SCHEMA_VERSION))
        return
    version = connection.scalar(select(SCHEMA.c.version))
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{where} has schema version {version}; this Syncline reads version "
            f"{SCHEMA_VERSION}. Upgrade Syncline, or name another place with --store."
        )
