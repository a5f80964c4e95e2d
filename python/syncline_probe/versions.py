"""Which of the libraries that matter are in use, in which version."""

from __future__ import annotations

import sys

_LIBRARIES = (
    *("fastapi", "starlette", "flask", "django", "anyio", "uvloop", "pydantic"),
    *("uvicorn", "gunicorn", "hypercorn", "granian", "uvicorn_worker"),
    *("sqlalchemy", "psycopg", "psycopg2", "psycopg_pool", "asyncpg", "pymysql", "asyncmy"),
    *("aiomysql", "redis", "valkey", "httpx", "httpx2", "httpcore", "httpcore2", "greenlet"),
)
_found: dict[str, str] = {}


def versions() -> dict[str, str]:
    """By name of the import; only what has been imported by now."""
    for name in _LIBRARIES:
        if name in sys.modules and name not in _found:
            _found[name] = _version(name)
    return dict(_found)


def _version(name: str) -> str:
    known = vars(sys.modules[name]).get("__version__")
    if isinstance(known, str):
        return known
    from importlib import metadata  # read from disk, and so only where it must be

    try:
        return metadata.version(name.replace("_", "-"))
    except Exception:  # noqa: BLE001 - a broken installation is not ours to mend
        return "unknown"
