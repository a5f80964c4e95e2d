"""A user's own service as a case: what the config says, made into what is run."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from syncline.cli.own_requests import Own, checks_of, loads_of, placed, seconds, steps_of
from syncline.config import (
    BackendOf,
    VariantOf,
    argv_of,
)
from syncline.errors import EnvironmentLackError, UsageError
from syncline.launch import CALL, AppFacts
from syncline.plan import Request
from syncline.provision import Provision
from syncline.steps import Step, names_used
from syncline.trial import Case, Interface, Server, Variant, with_duration
from syncline.whatif import imposed, parse

ONLY = "as-is"
QUICK_S = 1.5
VARIABLES = {"postgres": "DATABASE_URL", "mariadb": "DATABASE_URL", "valkey": "REDIS_URL"}
PREFERRED: Mapping[Interface, tuple[Server, ...]] = {
    "asgi": ("uvicorn", "granian", "hypercorn", "gunicorn"),
    "wsgi": ("gunicorn", "waitress", "granian", "hypercorn"),
}


def base_variant(own: Own) -> Variant:
    """The service as ``[service]`` has it; of an app, the interface is not known yet.

    Raises:
        UsageError: it is none or several of app, command and URL, or a part of it cannot be.
    """
    service = own.config.service
    if service.app is None and service.command is None and service.url is None:
        raise own.source.error(
            ("service",), "[service] needs one of the keys app, command and url."
        )
    if service.app is not None and (service.command or service.url):
        raise own.source.error(
            ("service", "app"), "app excludes command and url: Syncline chooses its port itself."
        )
    folder = (own.root / service.working_dir).resolve()
    if not folder.is_dir():
        raise own.source.error(("service", "working_dir"), f"{folder} is no folder.")
    env = dict(service.env)
    app = None
    if service.app is not None:
        app, path = app_of(service.app, folder)
        if path is not None:
            env["PYTHONPATH"] = _joined(path, env.get("PYTHONPATH", os.environ.get("PYTHONPATH")))
    command = () if service.command is None else argv_of(service.command)
    if command and service.url is None and not any("{port}" in word for word in command):
        raise own.source.error(
            ("service", "command"),
            "the command has no {port} in it, so Syncline cannot choose one; write {port}, or "
            "say where it listens with --url (url in the file).",
        )
    if service.url is not None:
        _check_url(service.url)
    return Variant(
        name=ONLY,
        title="the service as it is",
        app=app,
        command=command,
        server=service.server or "uvicorn",
        workers=service.workers,
        loop=service.loop,
        server_args=service.server_args,
        env=env,
        backends=_settings(own),
        interface=service.interface or "asgi",
        url=(service.url or "").rstrip("/"),
        allowed=own.allowed,
        python=_python(own),
        working_dir=str(folder),
        ready_timeout_s=seconds(service.ready_timeout),
    )


def app_of(text: str, folder: Path) -> tuple[str, Path | None]:
    """``module:attribute`` of an application, and the folder its module is imported from.

    The folder is None if it is the working folder. Of ``file.py:attribute`` the packages that
    the file stands in are part of the module's name.

    Raises:
        UsageError: it has no attribute, or there is no such file.
    """
    module, colon, attribute = text.partition(":")
    if not colon or not attribute or not module:
        raise UsageError(
            f"{text!r} names no application; write module:attribute, such as {_like(module)}."
        )
    if not module.endswith(".py"):
        return text, None
    path = (folder / module).resolve()
    if not path.is_file():
        raise UsageError(f"There is no file {path}.")
    parts = [path.stem] if path.stem != "__init__" else []
    above = path.parent
    while (above / "__init__.py").is_file():
        parts.insert(0, above.name)
        above = above.parent
    return f"{'.'.join(parts)}:{attribute}", None if above == folder else above


def as_case(own: Own, base: Variant, facts: AppFacts | None, requests: tuple[Request, ...]) -> Case:
    """The case: its variants, loads, back ends, and requests around the loads.

    Args:
        facts: what the app said of itself; None without an app, or if it was not asked.
        requests: what is sent.

    Raises:
        UsageError: a part of the config cannot be.
        EnvironmentLackError: no server for the app is installed beside it.
    """
    config = own.config
    if facts is not None:
        base = replace(base, interface=facts.interface, server=_server(own, base, facts))
        if facts.factory and base.app is not None:
            base = replace(base, app=f"{base.app.removesuffix(CALL)}{CALL}")
        named = " ".join(filter(None, (facts.framework, f"({facts.interface.upper()})")))
        base = replace(base, title=f"{named} on {base.server}")
    setup, teardown = steps_of(own, "setup"), steps_of(own, "teardown")
    known = {capture.name for step in setup for capture in step.captures}
    for at, request in enumerate(requests):
        if missing := sorted(names_used(request) - known):
            raise own.source.error(
                ("requests", at),
                f"{{{{capture:{missing[0]}}}}} is used, and no setup request captures it.",
            )
    loads = tuple(
        load for at, one in enumerate(config.loads) for load in loads_of(own, at, one, requests)
    )
    variants = tuple(_variant(own, base, at, one) for at, one in enumerate(config.variants))
    defaults = tuple(one.name for one in config.variants if one.default) or (ONLY,)
    variants = variants or (base,)
    if base.command and base.url and len(defaults) > 1:
        raise UsageError(
            f"{base.url} is one place, and {len(defaults)} variants run side by side; write "
            "{port} into the command and leave the URL out."
        )
    backends = _backends(own)
    return Case(
        name=_name(own),
        title=f"your service {config.service.app or config.service.url or base.command[0]}",
        question="Why does it bend under load, and what change makes it stand?",
        variants=variants,
        default_variants=defaults if config.variants else (ONLY,),
        loads=loads,
        quick_loads=tuple(with_duration(one, min(QUICK_S, one.duration_s)) for one in loads),
        backends=tuple(backends),
        ready_path=config.service.ready_path,
        provisions=provisions(own),
        setup=setup,
        rehearsal=tuple(
            Step(request, checks=checks_of(one.checks))
            for request, one in zip(requests, config.requests, strict=False)
            if one.checks is not None
        ),
        teardown=teardown,
    )


def provisions(own: Own) -> dict[str, Provision]:
    """How each back end reaches the service."""
    return {
        name: Provision(
            variables=_variables(name, one),
            init_sql="" if one.init_sql is None else str((own.root / one.init_sql).resolve()),
            commands=tuple(
                argv_of(command)
                for command in (one.init_command, one.seed_command)
                if command is not None
            ),
        )
        for name, one in _backends(own).items()
    }


def _backends(own: Own) -> dict[str, BackendOf]:
    all_of = own.config.backends
    found = {"postgres": all_of.postgres, "mariadb": all_of.mariadb, "valkey": all_of.valkey}
    return {name: one for name, one in found.items() if one is not None}


def _variables(name: str, one: BackendOf) -> dict[str, str]:
    form = f"{one.scheme.removesuffix('://')}://{{rest}}" if one.scheme else "{url}"
    if one.variable or not one.variables:
        return {one.variable or VARIABLES[name]: form, **one.variables}
    return dict(one.variables)


def _settings(own: Own) -> dict[str, dict[str, str]]:
    found = {name: _words(one.settings) for name, one in _backends(own).items()}
    return {name: settings for name, settings in found.items() if settings}


def _words(settings: Mapping[str, str | int | float | bool]) -> dict[str, str]:
    return {
        name: ("on" if value else "off") if isinstance(value, bool) else str(value)
        for name, value in settings.items()
    }


def _variant(own: Own, base: Variant, at: int, one: VariantOf) -> Variant:
    path = ("variants", at)
    names = [other.name for other in own.config.variants]
    if names.index(one.name) != at:
        raise own.source.error((*path, "name"), f"there are two variants {one.name!r}.")
    for name in one.backends:
        if name not in _backends(own):
            raise own.source.error(
                (*path, "backends", name), f"the service has no back end {name!r}."
            )
    env = {**base.env, **one.env}
    app, command = base.app, base.command
    if one.app is not None:
        app, folder = app_of(one.app, Path(base.working_dir))
        command = ()
        if folder is not None:
            env["PYTHONPATH"] = _joined(folder, env.get("PYTHONPATH"))
    elif one.command is not None:
        app, command = None, argv_of(one.command)
    settings = {
        name: {**base.backends.get(name, {}), **_words(one.backends.get(name, {}))}
        for name in _backends(own)
    }
    made = replace(
        base,
        name=one.name,
        title=one.title or base.title,
        app=app,
        command=command,
        server=one.server or base.server,
        workers=one.workers or base.workers,
        loop=one.loop or base.loop,
        server_args=base.server_args if one.server_args is None else one.server_args,
        env=env,
        backends={name: given for name, given in settings.items() if given},
    )
    if not one.what_ifs:
        return made
    return placed(
        own,
        (*path, "what_ifs"),
        lambda: replace(imposed(made, parse(",".join(one.what_ifs))), name=one.name),
    )


def _server(own: Own, base: Variant, facts: AppFacts) -> Server:
    asked = own.config.service.server
    if asked is not None and asked in facts.servers:
        return asked
    fitting = [name for name in PREFERRED[facts.interface] if name in facts.servers]
    if asked is None and fitting:
        return fitting[0]
    missing = asked or PREFERRED[facts.interface][0]
    python = base.python or sys.executable
    raise EnvironmentLackError(
        f"{missing} is not installed beside {base.app}; install it: "
        f"{python} -m pip install {missing}."
    )


def _python(own: Own) -> str:
    python = own.config.service.python
    if python is None:
        return ""
    # Not resolved: a link in a virtual environment is what tells Python where it is.
    path = Path(os.path.abspath(own.root / Path(python).expanduser()))  # noqa: PTH100
    if path.is_dir():
        path = path / "bin" / "python"
    if not os.access(path, os.X_OK):
        raise own.source.error(
            ("service", "python"), f"{path} is no interpreter; name one, such as .venv/bin/python."
        )
    return str(path)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"{url!r} is no URL: {error}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is no URL of a service; write http://HOST:PORT.")
    if parts.path.strip("/") or parts.query:
        raise UsageError(
            f"{url!r} has a path; give the service's root with --url and the path with --path."
        )


def _name(own: Own) -> str:
    service = own.config.service
    if service.name:
        text = service.name
    elif service.app:
        module = service.app.partition(":")[0]
        text = Path(module).stem if module.endswith(".py") else module.partition(".")[0]
    elif service.command:
        text = Path(argv_of(service.command)[0]).name
    else:
        text = urlsplit(service.url or "").netloc
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "service"


def _joined(path: Path, more: str | None) -> str:
    return f"{path}{os.pathsep}{more}" if more else str(path)


def _like(module: str) -> str:
    return f"{module.removesuffix('.py').replace('/', '.') or 'shop.main'}:app"
