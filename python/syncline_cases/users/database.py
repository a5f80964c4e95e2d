"""Where the database is."""

import os
from typing import Literal

from sqlalchemy import URL, make_url


def database_url(driver: Literal["psycopg", "asyncpg"]) -> URL:
    """``DATABASE_URL``, which names no driver, for a driver."""
    return make_url(os.environ["DATABASE_URL"]).set(drivername=f"postgresql+{driver}")
