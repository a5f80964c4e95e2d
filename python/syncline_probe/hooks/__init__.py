"""The hooks: which module of this package goes with which library's import."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from syncline_probe import impose
from syncline_probe.board import Board
from syncline_probe.importing import ImportWatch

__all__ = ["HOOKS", "after_fork", "install"]

# A library's module and the hook that is installed once that has been imported. sqlalchemy
# as a whole: while its __init__ still runs, its parts are there by halves.
HOOKS = (
    ("asyncio", "event_loop"),
    ("anyio._backends._asyncio", "thread_limiter"),
    ("concurrent.futures.thread", "executors"),
    ("sqlalchemy", "sqlalchemy_pools"),
    ("sqlalchemy", "sqlalchemy_statements"),
    ("starlette.applications", "starlette_app"),
    ("flask.app", "flask_app"),
    ("django.core.handlers.base", "django_app"),
    ("django.core.handlers.wsgi", "django_app"),
    ("django.core.handlers.asgi", "django_app"),
    ("litestar.app", "litestar_app"),
    ("falcon.app", "falcon_app"),
    ("falcon.asgi.app", "falcon_app"),
    ("aiohttp.web_app", "aiohttp_app"),
    ("uvicorn.config", "uvicorn_server"),
    ("gunicorn.app.base", "gunicorn_server"),
    ("hypercorn.app_wrappers", "hypercorn_server"),
    ("granian._internal", "granian_server"),
    ("asyncpg", "asyncpg_pools"),
    ("asyncpg.connection", "asyncpg_statements"),
    ("psycopg_pool", "psycopg_pools"),
    ("psycopg", "psycopg_statements"),
    ("pymysql.cursors", "pymysql_statements"),
    ("redis", "redis_clients"),
    ("valkey", "redis_clients"),
    ("httpcore", "httpx_pools"),
    ("httpcore2", "httpx_pools"),
    ("json", "answers"),
    ("orjson", "answers"),
    ("fastapi.routing", "answers"),
    ("jinja2.environment", "answers"),
    ("django.template.base", "answers"),
    ("logging", "log_records"),
)
_ALWAYS = ("process",)


def install(board: Board, imports: ImportWatch) -> None:
    """Installs the hooks that need no library, and lets the others wait for theirs."""
    for name in _ALWAYS:
        _install(board, name, None)
    for library, name in HOOKS:
        imports.when_imported(library, _on_import(board, name))
    # What is imposed on a library comes after what looks at it, and so acts before it.
    impose.install(board, imports)


def after_fork(board: Board) -> None:
    """Lets each installed hook forget what belongs to the parent process."""
    impose.after_fork()
    for part in ("requests", "pools", "standing"):
        if (module := sys.modules.get(f"syncline_probe.{part}")) is not None:
            module.forget()
    for name in {*_ALWAYS, *(name for _, name in HOOKS)}:
        module = sys.modules.get(f"{__name__}.{name}")
        forget = getattr(module, "after_fork", None)
        if forget is not None:
            try:
                forget()
            except Exception as error:  # noqa: BLE001 - it must not stop the child
                board.failed(name, error)


def _on_import(board: Board, name: str):  # type: ignore[no-untyped-def]
    return lambda library: _install(board, name, library)


def _install(board: Board, name: str, library: ModuleType | None) -> None:
    try:
        hook = importlib.import_module(f"{__name__}.{name}")
        hook.install(board, library)
    except Exception as error:  # noqa: BLE001 - the import that it hangs on must not fail
        board.failed(name, error)
