"""What the services read from their environment."""

from __future__ import annotations

import os


def database_url(driver: str = "") -> str:
    """The database's address; for SQLAlchemy with the driver's name in it."""
    url = os.environ["DATABASE_URL"]
    scheme, _, rest = url.partition("://")
    return f"{scheme}+{driver}://{rest}" if driver else url


def size(name: str, default: int) -> int:
    """A whole number such as ``POOL_SIZE``."""
    return int(os.environ.get(name, default))
