"""Scripts of wrk (``-s put.lua``), run unchanged by LuaJIT in a sandbox.

The sandbox has no files, processes, modules, or way into Python; memory and steps are bounded.
:func:`open_script` reads a script; what it defines decides how its requests can be sent:

- no ``request``, ``response`` or ``delay``: the same request each time, an ordinary plan;
- ``request`` alone: requests do not depend on answers, so they are made before the load;
- ``response`` or ``delay``: the script takes part in the load and runs as a flow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from threading import Lock
from typing import Any, Literal
from urllib.parse import urlsplit

from syncline._engine import Histogram
from syncline.errors import EnvironmentLackError, UsageError
from syncline.flow.values import Flow, Scenario, Step, StepFailed, User
from syncline.outcome import LoadResult
from syncline.plan import Plan, Request

_MEMORY_BYTES = 256 * 1024 * 1024
# Millions of steps that one call may take; LuaJIT's interpreter does some 100 to 300 in a second.
_MOST_MILLIONS = 300
Way = Literal["static", "sampled", "flow"]


class Script:
    """A script that was read, and whose ``setup`` and ``init`` ran."""

    def __init__(self, runtime: Any, calls: Any, errors: type[Exception], file: str) -> None:
        self._runtime, self._calls, self._errors = runtime, calls, errors
        self._file = file
        # One interpreter serves all users of a process, as in wrk all connections of a thread.
        self._lock = Lock()

    @property
    def way(self) -> Way:
        """How its requests can be sent."""
        if self._has("response") or self._has("delay"):
            return "flow"
        return "sampled" if self._has("request") else "static"

    def sample(self, count: int) -> tuple[Request, ...]:
        """The next so many requests of the script; a pipelined one counts as its parts.

        Raises:
            UsageError: the script fails, or returns no request.
        """
        found: list[Request] = []
        while len(found) < count:
            found.extend(parsed(self._call("request"), self._file))
        return tuple(found[:count])

    def flow(self, user: User) -> Flow:
        """One round of a connection: delay, request, response."""
        pause_s = self._call("delay") / 1000 if self._has("delay") else 0.0
        for one in parsed(self._call("request"), self._file):
            body = one.body.encode("latin-1") if one.body is not None else None
            step = Step(
                one.path,
                one.method,
                headers=dict(one.headers),
                body=body,
                pause_s=pause_s,
                name=f"{one.method} {Path(self._file).name}",
            )
            pause_s = 0.0
            failure: StepFailed | None = None
            try:
                response = yield step
            except StepFailed as failed:
                failure = failed
                if failed.response is None:
                    raise
                response = failed.response
            if self._has("response"):
                headers = {name.encode(): value.encode() for name, value in response.headers}
                with self._lock:
                    table = self._runtime.table_from(headers)
                self._call("response", response.status, table, response.body)
                with self._lock:
                    user.done = bool(self._calls[b"stopped"]())
            if failure is not None:
                raise failure

    def done(self, result: LoadResult) -> None:
        """Tells the script's ``done``, if it has one, what came."""
        if self._has("done"):
            self._call("done", *(self._table(part) for part in _summary(result)))

    def written(self) -> str:
        """What the script printed since this was last asked."""
        text: bytes = self._calls[b"written"]()
        return text.decode("utf-8", "replace")

    def _has(self, name: str) -> bool:
        with self._lock:
            return bool(self._calls[b"has"](name.encode()))

    def _call(self, name: str, *arguments: Any) -> Any:
        with self._lock:
            try:
                self._calls[b"budget"](_MOST_MILLIONS)
                return self._calls[name.encode()](*arguments)
            except self._errors as error:
                raise UsageError(f"{self._file}: {_told(error)}.") from None

    def _table(self, values: Mapping[str, Any]) -> Any:
        def converted(value: Any) -> Any:
            if isinstance(value, Mapping):
                return self._runtime.table_from(
                    {k.encode(): converted(v) for k, v in value.items()}
                )
            if isinstance(value, list | tuple):
                return self._runtime.table_from([converted(one) for one in value])
            return value

        return converted(values)


def open_script(scenario: Scenario, plan: Plan) -> Script:
    """Reads a script and runs its ``setup`` and ``init``.

    Args:
        plan: tells the target, the seed, and by its first request what the script starts from.

    Raises:
        EnvironmentLackError: lupa is not installed.
        UsageError: the script cannot be read, or fails.
    """
    try:
        from lupa import luajit21
    except ImportError:
        raise EnvironmentLackError(
            "wrk scripts need LuaJIT: pip install 'syncline[wrk]'."
        ) from None
    runtime = luajit21.LuaRuntime(
        encoding=None,
        register_eval=False,
        register_builtins=False,
        unpack_returned_tuples=True,
        max_memory=_MEMORY_BYTES,
        attribute_filter=_refuse,
    )
    prelude = resources.files("syncline.flow").joinpath("wrk.lua").read_bytes()
    compiled = runtime.compile(b"local host = ...\n" + prelude.replace(b"local host = ...\n", b""))
    runtime.execute(b"math.randomseed(%d)" % plan.seed)
    # Compiled before the sandbox takes "load" away; text only, never bytecode.
    try:
        text = Path(scenario.file).read_bytes()
    except OSError as error:
        raise UsageError(f"{scenario.file} cannot be read: {error.strerror}.") from None
    if text.startswith(b"\x1b"):
        raise UsageError(f"{scenario.file} is compiled Lua; give its source.")
    try:
        chunk = runtime.compile(text, name=b"@" + Path(scenario.file).name.encode())
        calls = compiled(_host(runtime, plan))
        calls[b"budget"](_MOST_MILLIONS)
        chunk()
    except luajit21.LuaError as error:
        raise UsageError(f"{scenario.file}: {_told(error)}.") from None
    script = Script(runtime, calls, luajit21.LuaError, scenario.file)
    script._call("setup")
    words = [word.encode() for word in scenario.arguments]
    # wrk counts a script's arguments from 0, where the first stands.
    script._call("init", runtime.table_from(dict(enumerate(words))))
    return script


def parsed(wire: bytes, file: str) -> Iterator[Request]:
    """The requests of a text as ``wrk.format`` makes it; several where a script pipelines.

    A body's bytes stand in ``body`` one character each (Latin-1).

    Raises:
        UsageError: it is no request.
    """
    rest = wire
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[1].startswith("/"):
            raise UsageError(f"{file}: request() returned {first[:60]!r}, which begins no request.")
        pairs = [
            (name.strip(), value.strip()) for name, _, value in (s.partition(":") for s in lines)
        ]
        length = next((v for n, v in pairs if n.lower() == "content-length"), None)
        size = int(length) if length is not None and length.isdigit() else 0
        body, rest = rest[:size], rest[size:]
        own = ("content-length", "connection")
        yield Request(
            words[1],
            words[0],
            name=f"{words[0]} {Path(file).name}",
            headers=tuple((n, v) for n, v in pairs if n.lower() not in own),
            body=body.decode("latin-1") if length is not None else None,
            templates=False,
        )


def _refuse(_object: object, name: object, _is_setting: bool) -> object:
    raise AttributeError(f"no access to {name!r}")


def _host(runtime: Any, plan: Plan) -> Any:
    url = urlsplit(plan.target)
    first = plan.requests[0]
    port = url.port or (443 if url.scheme == "https" else 80)
    values: dict[bytes, Any] = {
        b"scheme": url.scheme.encode(),
        b"host": (url.hostname or "localhost").encode(),
        b"port": port,
        b"addr": url.netloc.encode(),
        b"path": first.path.encode(),
        b"method": first.method.encode(),
        b"headers": runtime.table_from({k.encode(): v.encode() for k, v in first.headers}),
    }
    if first.body is not None:
        values[b"body"] = first.body.encode()
    return runtime.table_from(values)


def _told(error: Exception) -> str:
    text = str(error.args[0] if error.args else error)
    if text.startswith(("b'", 'b"')):
        text = text[2:-1]
    return text.partition("\nstack traceback")[0].partition("\\nstack traceback")[0] or (
        f"it used more than {_MEMORY_BYTES >> 20} MB"
    )


def _summary(result: LoadResult) -> Sequence[Mapping[str, Any]]:
    """The three tables that wrk hands to ``done``: times in microseconds."""
    errors = result.errors
    connect = sum(count for kind, count in errors.items() if kind.startswith("connect"))
    timeout = sum(count for kind, count in errors.items() if kind.endswith("-timeout"))
    wrong = sum(n for code, n in result.status_codes.items() if int(code) > 399)
    summary = {
        "duration": round(result.duration_s * 1e6),
        "requests": result.ok + wrong,
        "bytes": result.bytes_in,
        "errors": {
            "connect": connect,
            "read": max(0, sum(errors.values()) - connect - timeout),
            "write": 0,
            "status": wrong,
            "timeout": timeout,
        },
    }
    encoded = result.histograms.service_time
    unit = result.histograms.unit_ns
    buckets = Histogram.decode(encoded).buckets() if encoded else []
    values = [(high * unit // 1000, count) for _, high, count in buckets]
    rates = [one.ok / (one.end_s - one.start_s) for one in result.intervals if not one.warmup]
    return summary, _statistics(values), _statistics([(round(rate), 1) for rate in sorted(rates)])


def _statistics(values: Sequence[tuple[int, int]]) -> Mapping[str, Any]:
    count = sum(many for _, many in values)
    mean = sum(value * many for value, many in values) / count if count else 0.0
    square = sum((value - mean) ** 2 * many for value, many in values) / count if count else 0.0
    return {
        "count": count,
        "min": values[0][0] if values else 0,
        "max": values[-1][0] if values else 0,
        "mean": mean,
        "stdev": square**0.5,
        "values": values,
    }
