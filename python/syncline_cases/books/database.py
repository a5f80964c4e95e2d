"""Where the database is, and how many connections an engine may take.

Reads ``DATABASE_URL``, which names no driver; ``SYNCLINE_POOL_SIZE`` and
``SYNCLINE_MAX_OVERFLOW``, of each engine in each worker; ``SYNCLINE_ECHO``: ``on`` logs each
statement.
"""

import os
from typing import Any, Literal

from sqlalchemy import URL, make_url


def database_url(driver: Literal["psycopg", "asyncpg"]) -> URL:
    """``DATABASE_URL`` for a driver."""
    return make_url(os.environ["DATABASE_URL"]).set(drivername=f"postgresql+{driver}")


def engine_options() -> dict[str, Any]:
    """The keyword arguments of ``create_engine``; SQLAlchemy's default pool is 5 + 10."""
    options: dict[str, Any] = {"echo": os.environ.get("SYNCLINE_ECHO", "off") == "on"}
    for name in ("pool_size", "max_overflow"):
        if number := os.environ.get(f"SYNCLINE_{name.upper()}"):
            options[name] = int(number)
    return options
