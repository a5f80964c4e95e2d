"""The pytest plugin: the fixture ``syncline``, servers beside it, one report for the session.

Registered by an entry point, so it is imported by every test run in an environment that has
Syncline. A run that loads nothing must not pay for that: nothing of Syncline is imported here
before a test asks for a fixture.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from syncline.backends import Backend
    from syncline.launch import Service
    from syncline.process import Workspace
    from syncline.testing import Defaults, Loader
    from syncline.testing.session import Session

_OUTPUT = "syncline_loads"
_MARKER = (
    "syncline(connections, duration, quick, rate, probe): what loads of this test take where "
    "syncline.run does not say it; duration in seconds, rate in requests per second"
)


class _State:
    """What the plugin knows of this process's session: little until something is loaded."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.item: pytest.Item | None = None
        self.session: Session | None = None

    def opened(self) -> Session:
        """The session's loads; from now on Syncline is imported."""
        if self.session is None:
            from syncline.testing.session import Session

            folder = self.config.getoption("--syncline-report") or self.config.getini(
                "syncline_report"
            )
            self.session = Session(self.config.invocation_params.dir / folder if folder else None)
        return self.session

    def defaults(self) -> Defaults:
        """Those of the ini file, with those of the test's markers over them, the closest last."""
        defaults = _ini_defaults(self.config)
        markers = [] if self.item is None else [*self.item.iter_markers("syncline")]
        for marker in reversed(markers):
            if marker.args:
                raise pytest.UsageError("@pytest.mark.syncline takes its values by name.")
            defaults = defaults.over(marker.kwargs, "@pytest.mark.syncline")
        return defaults


_STATE = pytest.StashKey[_State]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options and ini keys."""
    group = parser.getgroup("syncline", "load tests")
    group.addoption(
        "--syncline-report",
        metavar="DIR",
        default=None,
        help="Write one report of all loads there (index.html, index.md), and one for each.",
    )
    parser.addini("syncline_report", "The folder of --syncline-report.", default="")
    parser.addini("syncline_connections", "Connections of a load (8).", default="")
    parser.addini("syncline_duration", "How long a load lasts, such as 2.5s.", default="")
    parser.addini("syncline_store", "Keep runs in this store, such as .syncline/runs.db.", "string")


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line("markers", _MARKER)
    config.stash[_STATE] = _State(config)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Notes which test is under way: the fixture outlives tests, their markers do not."""
    item.config.stash[_STATE].item = item


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker of pytest-xdist, sends what was loaded to the process that started it."""
    state = session.config.stash[_STATE]
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None and state.session is not None:
        output[_OUTPUT] = state.session.packed()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ARG001 - xdist's signature
    """Takes in what a worker of pytest-xdist loaded."""
    if sent := getattr(node, "workeroutput", {}).get(_OUTPUT):
        node.config.stash[_STATE].opened().take_in(sent)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """A line for each load, and where the report is."""
    session = config.stash[_STATE].session
    if session is None or not session.rows:
        return
    terminalreporter.section("syncline")
    for line in session.lines():
        terminalreporter.write_line(line)
    if (page := session.finish()) is not None:
        terminalreporter.write_line(f"Report: {page}")


def _ini_defaults(config: pytest.Config) -> Defaults:
    from syncline.errors import UsageError
    from syncline.notation import duration_s
    from syncline.testing import Defaults

    given: dict[str, object] = {}
    if text := config.getini("syncline_connections"):
        if not str(text).isdecimal():
            raise UsageError(f"syncline_connections is {text!r}; it must be a whole number.")
        given["connections"] = int(text)
    if text := config.getini("syncline_duration"):
        given["duration"] = duration_s(text)
    return Defaults().over(given, "The ini file")


def _module_path(config: pytest.Config) -> dict[str, str]:
    """Where pytest's own ``pythonpath`` finds modules, services find them too."""
    paths = [str(path) for path in config.getini("pythonpath")]
    inherited = os.environ.get("PYTHONPATH")
    return (
        {"PYTHONPATH": os.pathsep.join([*paths, *([inherited] if inherited else [])])}
        if paths
        else {}
    )


@pytest.fixture(scope="session")
def syncline(pytestconfig: pytest.Config) -> Loader:
    """Loads a service within a test: ``syncline.run("shop.main:app", path="/books")``."""
    from syncline.testing import Loader

    state = pytestconfig.stash[_STATE]
    session = state.opened()

    def test() -> str:
        return state.item.nodeid if state.item is not None else "(no test)"

    return Loader(
        root=pytestconfig.rootpath,
        defaults=state.defaults,
        env=_module_path(pytestconfig),
        store=pytestconfig.getini("syncline_store") or None,
        heard=lambda result: session.heard(test(), result),
    )


@pytest.fixture(scope="session")
def syncline_workspace() -> Iterator[Workspace]:
    """A temporary folder of Syncline's, for the servers of this session."""
    from syncline.process import Workspace

    with Workspace.open() as workspace:
        yield workspace


@pytest.fixture(scope="session")
def syncline_postgres(syncline_workspace: Workspace) -> Iterator[Backend]:
    """A private PostgreSQL of this session; ``.url`` is where a service connects."""
    yield from _provided("postgres", syncline_workspace)


@pytest.fixture(scope="session")
def syncline_mariadb(syncline_workspace: Workspace) -> Iterator[Backend]:
    """A private MariaDB of this session; ``.url`` is where a service connects."""
    yield from _provided("mariadb", syncline_workspace)


@pytest.fixture(scope="session")
def syncline_valkey(syncline_workspace: Workspace) -> Iterator[Backend]:
    """A private Valkey of this session; ``.url`` is where a service connects."""
    yield from _provided("valkey", syncline_workspace)


def _provided(name: str, workspace: Workspace) -> Iterator[Backend]:
    from syncline.backends import provide
    from syncline.errors import EnvironmentLackError

    try:
        backend = provide(name, {}, workspace)
    except EnvironmentLackError as lack:
        pytest.skip(str(lack))
    with backend:
        yield backend


@pytest.fixture(scope="session")
def syncline_service(
    pytestconfig: pytest.Config, syncline_workspace: Workspace
) -> Iterator[Callable[..., Service]]:
    """Starts a service that stays up for the session: ``syncline_service("shop.main:app").url``.

    The same application with the same environment is started once. For tests of its answers;
    ``syncline.run`` starts a service of its own, with the probe inside.
    """
    from syncline.testing.serving import served

    running: dict[tuple[str, tuple[tuple[str, str], ...]], Service] = {}
    with ExitStack() as stack:

        def start(app: str, env: dict[str, str] | None = None) -> Service:
            given = {**_module_path(pytestconfig), **(env or {})}
            key = (app, tuple(sorted(given.items())))
            if key not in running:
                folder = Path(pytestconfig.rootpath)
                running[key] = stack.enter_context(served(app, given, folder, syncline_workspace))
            return running[key]

        yield start
