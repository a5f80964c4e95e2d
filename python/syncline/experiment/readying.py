"""What a user's own service needs around its start: a filled database, requests that go first."""

from __future__ import annotations

import base64
import contextlib
import http.client
import ssl
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from syncline.errors import (
    EnvironmentLackError,
    MeasurementError,
    PlanError,
    ServiceStartError,
    UsageError,
)
from syncline.experiment.tools import RunningService
from syncline.launch import External, service_env
from syncline.mask import mask
from syncline.plan import Plan
from syncline.process import ChildSpec, Workspace, spawn
from syncline.provision import Provision, address_env
from syncline.steps import Answer, Step, captured, with_captures
from syncline.trial import Variant

COMMAND_TIMEOUT_S = 300.0
STEP_TIMEOUT_S = 30.0
_BODY_LIMIT = 16 * 2**20


def backend_env(provision: Provision | None, env: Mapping[str, str]) -> dict[str, str]:
    """The variables by which the service finds a back end that offers itself by ``env``."""
    if provision is None:
        return dict(env)
    return address_env(provision, next(iter(env.values())))


def fill(
    name: str,
    provision: Provision,
    variant: Variant,
    address: Mapping[str, str],
    env: Mapping[str, str],
    workspace: Workspace,
) -> None:
    """Fills a back end: first the SQL, then the commands in their order.

    Args:
        address: the back end's own variable and URL.
        env: all that the service is told of its back ends; the commands see it, too.

    Raises:
        ServiceStartError: a statement or a command failed; with its words.
        EnvironmentLackError: the driver for the SQL is not installed.
    """
    if provision.init_sql:
        run_sql(name, next(iter(address.values())), Path(provision.init_sql))
    for command in provision.commands:
        _run(command, variant, env, workspace)


def run_sql(backend: str, url: str, path: Path) -> None:
    """Runs a file of SQL on a server, whole.

    Raises:
        UsageError: the file cannot be read, or the back end knows no SQL.
        ServiceStartError: the server refuses it; the message holds its reason.
        EnvironmentLackError: the driver is not installed.
    """
    try:
        sql = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error
    runners = {"postgres": _postgres_sql, "mariadb": _mariadb_sql}
    if backend not in runners:
        raise UsageError(f"init_sql is for postgres and mariadb, not for {backend}.")
    try:
        runners[backend](url, sql)
    except ImportError as error:
        raise EnvironmentLackError(
            f"Running {path.name} needs {error.name}; install it with "
            "pip install 'syncline[cases]'."
        ) from error
    except Exception as error:
        # The drivers' errors have no common base; each speaks of the SQL or of the connection.
        reason = mask(" ".join(str(error).split()))
        raise ServiceStartError(f"{path} failed on {backend}: {reason}") from error


def _postgres_sql(url: str, sql: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        # Without parameters the text goes as it is, however many statements it holds.
        connection.execute(sql.encode())


def _mariadb_sql(url: str, sql: str) -> None:
    import pymysql
    from pymysql.constants import CLIENT

    parts = urlsplit(url)
    connection: Any = pymysql.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path.lstrip("/") or None,
        client_flag=CLIENT.MULTI_STATEMENTS,
        autocommit=True,
    )
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(sql)
        while cursor.nextset():
            pass


def _run(
    command: tuple[str, ...], variant: Variant, env: Mapping[str, str], workspace: Workspace
) -> None:
    python = variant.python or sys.executable
    argv = tuple(word.replace("{python}", python) for word in command)
    child = spawn(
        ChildSpec(
            argv=argv,
            workspace=workspace,
            name="prepare",
            env=service_env(variant, env),
            cwd=Path(variant.working_dir) if variant.working_dir else None,
        )
    )
    try:
        status = child.wait(COMMAND_TIMEOUT_S)
        if status == 0:
            return
        happened = (
            f"took over {COMMAND_TIMEOUT_S:g} s" if status is None else f"ended with {status}"
        )
        raise ServiceStartError(
            f"The database could not be filled: {' '.join(command)} {happened}. Its last words:\n"
            f"{child.log_tail(8)}"
        )
    finally:
        child.stop(0)


def take_steps(
    service: RunningService, steps: Iterable[Step], known: Mapping[str, str]
) -> dict[str, str]:
    """Sends each request once, in order; all that was captured until then.

    Args:
        known: what was captured before.

    Raises:
        ServiceStartError: a request got no answer, or not the one that its step wants.
    """
    values = dict(known)
    for step in steps:
        try:
            request = with_captures(step.request, values)
            step = replace(step, request=request)
            values.update(captured(step, _exchange(service.url, step)))
        except (MeasurementError, PlanError) as error:
            raise ServiceStartError(mask(str(error))) from error
    return values


def plan_for(plan: Plan, service: RunningService, values: Mapping[str, str]) -> Plan:
    """The plan with what was captured, for the very addresses that were admitted."""
    requests = tuple(with_captures(request, values) for request in plan.requests)
    addresses = service.addresses if isinstance(service, External) else plan.addresses
    return replace(plan, requests=requests, addresses=addresses)


def _exchange(url: str, step: Step) -> Answer:
    request, parts = step.request, urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection = (
        http.client.HTTPSConnection(
            host, port or 443, timeout=STEP_TIMEOUT_S, context=ssl.create_default_context()
        )
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port or 80, timeout=STEP_TIMEOUT_S)
    )
    body = None if request.body is None else request.body.encode()
    if request.body_base64 is not None:
        body = base64.b64decode(request.body_base64)
    try:
        connection.request(
            request.method, f"{parts.path}{request.path}", body, dict(request.headers)
        )
        answer = connection.getresponse()
        data = answer.read(_BODY_LIMIT)
        return Answer(answer.status, tuple(answer.getheaders()), data.decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException) as error:
        name = request.name or f"{request.method} {request.path.partition('?')[0]}"
        raise MeasurementError(f"{name} got no answer: {error or type(error).__name__}.") from error
    finally:
        connection.close()
