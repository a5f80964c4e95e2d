"""Where the database is, and how its pool is set.

Reads ``DATABASE_URL``, which names no driver: ``mysql://…``, or ``postgresql://…`` where no
MariaDB can be had; ``SYNCLINE_POOL_SIZE``; and ``SYNCLINE_ECHO``: ``on`` logs each statement.
"""

import os
from typing import Any, Literal

from sqlalchemy import URL, make_url

DRIVERS = {
    "mysql": {"sync": "mysql+pymysql", "async": "mysql+asyncmy"},
    "mariadb": {"sync": "mariadb+pymysql", "async": "mariadb+asyncmy"},
    "postgresql": {"sync": "postgresql+psycopg", "async": "postgresql+asyncpg"},
}


def database_url(kind: Literal["sync", "async"]) -> URL:
    """``DATABASE_URL`` for a driver of that kind."""
    url = make_url(os.environ["DATABASE_URL"])
    return url.set(drivername=DRIVERS[url.get_backend_name()][kind])


def engine_options() -> dict[str, Any]:
    """The keyword arguments of ``create_engine``; SQLAlchemy's default pool is 5 + 10."""
    options: dict[str, Any] = {"echo": os.environ.get("SYNCLINE_ECHO", "off") == "on"}
    if size := os.environ.get("SYNCLINE_POOL_SIZE"):
        options["pool_size"] = int(size)
    return options
