"""The argv that serves a variant; pure, except for one look at what is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

from syncline.errors import UsageError
from syncline.trial import Server, Variant

CALL = "()"
# The other servers call what is written so by themselves.
_FACTORY: Mapping[Server, str] = {
    "uvicorn": "--factory",
    "granian": "--factory",
    "waitress": "--call",
}


def server_argv(variant: Variant, *, host: str, port: int, python: str) -> tuple[str, ...]:
    """The argv that starts the variant on ``host`` and ``port`` with the interpreter ``python``.

    ``variant.server_args`` come last but for the application, so they win over what is set
    here. uvicorn writes no access log (it costs up to a quarter of a small service's
    throughput) unless ``server_args`` hold ``--access-log``; the other servers write none by
    themselves. What-ifs come after those arguments and win over them. In ``variant.command``,
    ``{host}``, ``{port}`` and ``{python}`` are filled in, and other braces are left alone. An
    application that is named ``module:attribute()`` is what that function makes.

    Raises:
        UsageError: the server cannot serve the variant's interface, or not so many workers.
    """
    if variant.app is None:
        known = {"{host}": host, "{port}": str(port), "{python}": python}
        return tuple(_filled(item, known) for item in variant.command)
    build = {
        "uvicorn": _uvicorn,
        "granian": _granian,
        "hypercorn": _hypercorn,
        "gunicorn": _gunicorn,
        "waitress": _waitress,
    }[variant.server]
    options = build(variant, host, port)
    name = variant.app
    if name.endswith(CALL) and variant.server in _FACTORY:
        name, options = name.removesuffix(CALL), (*options, _FACTORY[variant.server])
    # hypercorn tells by a prefix what an application is; the others by an option.
    kind = "wsgi:" if variant.server == "hypercorn" and variant.interface == "wsgi" else ""
    app = f"{kind}{name}"
    own, imposed = _with_what_ifs(variant)
    return (python, "-m", variant.server, *options, *own, *imposed, app)


def _uvicorn(variant: Variant, host: str, port: int) -> tuple[str, ...]:
    options = ("--host", host, "--port", str(port), "--no-access-log", "--loop", variant.loop)
    interface = ("--interface", "wsgi") if variant.interface == "wsgi" else ()
    # One worker is served by the first process itself, as without the option.
    workers = () if variant.workers == 1 else ("--workers", str(variant.workers))
    return (*options, *interface, *workers)


def _granian(variant: Variant, host: str, port: int) -> tuple[str, ...]:
    options = ("--interface", variant.interface, "--host", host, "--port", str(port))
    return (*options, "--workers", str(variant.workers), "--loop", variant.loop)


def _hypercorn(variant: Variant, host: str, port: int) -> tuple[str, ...]:
    options = ("--bind", _address(host, port), "--workers", str(variant.workers))
    return options if variant.loop == "auto" else (*options, "--worker-class", variant.loop)


def _gunicorn(variant: Variant, host: str, port: int) -> tuple[str, ...]:
    options = ("--bind", _address(host, port), "--workers", str(variant.workers))
    if variant.interface == "wsgi":
        return options  # its own workers: sync, or gthread with --threads
    # Uvicorn's worker has no option for the loop; gunicorn's own (from 24 on) has.
    if variant.loop == "auto" and importlib.util.find_spec("uvicorn_worker") is not None:
        return (*options, "--worker-class", "uvicorn_worker.UvicornWorker")
    return (*options, "--worker-class", "asgi", "--asgi-loop", variant.loop)


def _waitress(variant: Variant, host: str, port: int) -> tuple[str, ...]:
    if variant.interface != "wsgi":
        raise UsageError(
            f"waitress serves WSGI applications, and {variant.app} is an ASGI one; choose "
            "uvicorn, granian, hypercorn or gunicorn."
        )
    if variant.workers > 1:
        raise UsageError(
            "waitress has one process and no workers; leave out the number of workers, or "
            "choose gunicorn."
        )
    return (f"--listen={_address(host, port)}",)


_ACCESS_LOG: Mapping[str, tuple[str, ...]] = {
    "uvicorn": ("--access-log",),
    "granian": ("--access-log",),
    "hypercorn": ("--access-logfile", "-"),
    "gunicorn": ("--access-logfile", "-"),
}
# Of uvicorn, no time is short enough to be none: an answer must say that it is the last one.
_NO_KEEP_ALIVE: Mapping[str, tuple[str, ...]] = {
    "uvicorn": ("--header", "connection:close"),
    "granian": ("--no-http1-keep-alive",),
    "gunicorn": ("--keep-alive", "0"),
}
_KEEP_ALIVE = {
    "uvicorn": "--timeout-keep-alive",
    "hypercorn": "--keep-alive",
    "gunicorn": "--keep-alive",
}


def _with_what_ifs(variant: Variant) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The variant's own arguments, less those that a what-if takes back, and the what-ifs'."""
    own, asked, server = variant.server_args, variant.what_ifs, variant.server
    options: tuple[str, ...] = ()
    match asked.get("access_log"), _ACCESS_LOG.get(server, ()):
        case "on", known:
            options += known
        case "off", ("--access-logfile", _):
            own = _without(own, "--access-logfile")
        case "off", (flag,):
            options += (f"--no-{flag.removeprefix('--')}",)
    if "log_level" in asked and server != "waitress":
        options += ("--log-level", asked["log_level"])
    keep_alive = asked.get("keep_alive")
    if keep_alive == "off":
        options += _NO_KEEP_ALIVE[server]
    elif keep_alive is not None:
        options += (_KEEP_ALIVE[server], keep_alive)
    return own, options


def _without(arguments: tuple[str, ...], option: str) -> tuple[str, ...]:
    kept = []
    skipping = False
    for one in arguments:
        if skipping:
            skipping = False
        elif one == option:
            skipping = True
        elif not one.startswith(f"{option}="):
            kept.append(one)
    return tuple(kept)


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _filled(item: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        item = item.replace(name, value)
    return item
