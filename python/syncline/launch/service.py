"""A running service under test."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from syncline.errors import ServiceStartError, UsageError
from syncline.launch.command import server_argv
from syncline.launch.readiness import Readiness, await_ready
from syncline.process import (
    Child,
    ChildSpec,
    Workspace,
    check_port_free,
    free_port,
    listening_ports,
    spawn,
)
from syncline.trial import Variant

_ATTEMPTS = 5
_LOG_LINES = 15


class Service:
    """A variant that is being served; from :func:`start_service`. Ends with its ``with`` block.

    Attributes:
        variant: what is served.
        host, port: where it listens.
        start_s: how long it took from its start to its first answer, seconds.
    """

    def __init__(self, variant: Variant, child: Child, host: str, port: int, start_s: float):
        self.variant = variant
        self.host = host
        self.port = port
        self.start_s = start_s
        self._child = child

    @property
    def url(self) -> str:
        """Its root, without a slash at the end: ``http://127.0.0.1:8000``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def pids(self) -> tuple[int, ...]:
        """The live processes of the service: supervisor, workers, and what those started."""
        return self._child.pids()

    def exit_status(self) -> int | None:
        """The status with which its first process ended, negative for a signal; or None."""
        return self._child.poll()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines that it wrote, standard output and error together."""
        return self._child.log_tail(lines)

    def stop(self, grace_s: float | None = None) -> int | None:
        """Asks it to end (SIGTERM), after ``grace_s`` (3) kills what is left; its exit status."""
        return self._child.stop(grace_s)

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_service(
    variant: Variant,
    *,
    workspace: Workspace,
    env: Mapping[str, str],
    ready_path: str = "/",
    host: str = "127.0.0.1",
    port: int | None = None,
    ready_timeout_s: float | None = None,
    python: str = sys.executable,
    cpus: tuple[int, ...] = (),
) -> Service:
    """Starts a variant and returns once it answers, whatever the status of the answer.

    The service's environment is Syncline's own, then ``SYNCLINE_DATA_DIR``, an empty directory
    of its own that goes with the workspace, then ``env``, ``variant.env``, and the settings
    as ``SYNCLINE_<NAME>``; the later wins. Beside an interpreter of its own
    (``variant.python``) stand its programs: they come first on its PATH. For
    its argv, and for uvicorn's access log, which is off by default, see
    :func:`syncline.launch.server_argv`.

    Args:
        workspace: where its log and its data go.
        env: what the back ends and the probe want it to see.
        ready_path: what is asked for, with GET.
        port: None chooses a free one, and another one should it be taken meanwhile.
        ready_timeout_s: how long it may take to answer; None is what the variant says.
        python: the interpreter that runs the server.
        cpus: the only processors it may use; empty means all.

    Raises:
        ServiceStartError: it ended, stayed silent, or was not the one that answered; the
            message holds the end of its log.
        UsageError: the given port is in use.
        EnvironmentLackError: its program cannot be executed.
    """
    if variant.url:
        parts = urlsplit(variant.url)
        host, port = parts.hostname or host, parts.port or port or 80
    if port is not None:
        check_port_free(host, port)
    python = variant.python or python
    limit_s = variant.ready_timeout_s if ready_timeout_s is None else ready_timeout_s
    env = {"SYNCLINE_DATA_DIR": str(workspace.directory(f"data-{variant.name}")), **env}
    attempts = _ATTEMPTS if port is None else 1
    for attempt in range(1, attempts + 1):
        number = free_port(host) if port is None else port
        began = time.monotonic()
        child = spawn(
            ChildSpec(
                argv=server_argv(variant, host=host, port=number, python=python),
                workspace=workspace,
                name=f"service-{variant.name}",
                env=service_env(variant, env),
                cwd=Path(variant.working_dir) if variant.working_dir else None,
                cpus=cpus,
            )
        )
        try:
            state = await_ready(child, host, number, ready_path, began + limit_s)
            if state is Readiness.READY:
                return Service(variant, child, host, number, time.monotonic() - began)
            stolen = not listening_ports(child.pids()).get(number) and _taken(host, number)
            if not stolen or attempt == attempts:
                raise _failure(variant, child, number, state, limit_s)
        except BaseException:
            child.stop()
            raise
        child.stop(0)
    raise AssertionError("the last attempt returns or raises")


def service_env(variant: Variant, env: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a variant's service, of which ``env`` is a part."""
    # Unbuffered, so that what it wrote before a hang can be seen.
    made = {**os.environ, "PYTHONUNBUFFERED": "1", **env, **variant.env, **variant.settings_env}
    if variant.python and "PATH" not in variant.env:
        programs = os.path.dirname(os.path.abspath(variant.python))  # noqa: PTH100, PTH120
        made["PATH"] = f"{programs}{os.pathsep}{made.get('PATH', os.defpath)}"
    return made


def _taken(host: str, port: int) -> bool:
    try:
        check_port_free(host, port)
    except UsageError:
        return True
    return False


def _failure(
    variant: Variant, child: Child, port: int, state: Readiness, timeout_s: float
) -> ServiceStartError:
    what = f"The service {variant.name!r}"
    if state is Readiness.DIED:
        what += f" ended while starting, {_ending(child.poll())}."
    elif state is Readiness.NOT_OURS:
        what += f" does not listen on port {port}: another process answers there."
    else:
        what += f" gave no answer on port {port} within {timeout_s:g} s."
        ports = listening_ports(child.pids())
        if port in ports:
            what += " It listens there; the application itself does not answer."
        elif ports:
            what += f" It listens on {', '.join(map(str, ports))} instead."
    child.stop()
    log = child.log_tail(_LOG_LINES)
    return ServiceStartError(
        f"{what} Its last words:\n{log}" if log else f"{what} It said nothing."
    )


def _ending(status: int | None) -> str:
    if status is not None and status < 0:
        return f"by signal {-status}"
    return f"with status {status}"
