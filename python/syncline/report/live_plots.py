"""Small moving plots of a running load: what it gets, and what limits the service meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from syncline.outcome import Progress
from syncline.report import units
from syncline.report.strokes import spark

_WIDTH = 40
_KEPT = 300  # glances: thirty seconds at ten a second

LABELS = ("rate", "latency", "pool", "limiter", "loop lag", "sessions", "memory")

Row = tuple[str, float | None, str]


class Plots:
    """One line for each quantity that is known, from the rate to the service's memory."""

    def __init__(self) -> None:
        self._history: dict[str, deque[float | None]] = {}
        self._words: dict[str, str] = {}

    def clear(self) -> None:
        """Another trial begins."""
        self._history.clear()
        self._words.clear()

    def add(self, progress: Progress, seen: Mapping[str, float]) -> None:
        """One glance."""
        for make in _ROWS:
            label, value, words = make(progress, seen)
            if value is not None or label in self._history:
                self._history.setdefault(label, deque(maxlen=_KEPT)).append(value)
                self._words[label] = words

    def block(self) -> RenderableType:
        """The plots, the newest value at the right of each."""
        table = Table.grid(padding=(0, 2))
        table.add_column(width=10)
        table.add_column(width=_WIDTH)
        table.add_column()
        for label in LABELS:
            if label not in self._history:
                continue
            line = spark(tuple(self._history[label]), _WIDTH)
            table.add_row(Text(label, "bright_black"), Text(line, "cyan"), self._words[label])
        return Group(table)


def _rate(progress: Progress, _seen: Mapping[str, float]) -> Row:
    return "rate", progress.rate_rps, f"{units.rate(progress.rate_rps)} req/s"


def _latency(progress: Progress, _seen: Mapping[str, float]) -> Row:
    words = f"p50 {units.duration(progress.p50_us)}, p99 {units.duration(progress.p99_us)}"
    return "latency", progress.p99_us, words


def _pool(_progress: Progress, seen: Mapping[str, float]) -> Row:
    out = seen.get("probe.pool_checked_out")
    words = _of(out, seen.get("probe.pool_limit"), "checked out")
    return "pool", out, _waiting(words, seen.get("probe.pool_waiters"))


def _limiter(_progress: Progress, seen: Mapping[str, float]) -> Row:
    taken = seen.get("probe.limiter_borrowed")
    words = _of(taken, seen.get("probe.limiter_tokens"), "threads")
    return "limiter", taken, _waiting(words, seen.get("probe.limiter_waiting"))


def _lag(_progress: Progress, seen: Mapping[str, float]) -> Row:
    lag_ms = seen.get("probe.loop_lag_max_ms")
    words = units.duration(None if lag_ms is None else lag_ms * 1000)
    return "loop lag", lag_ms, f"at most {words}"


def _sessions(_progress: Progress, seen: Mapping[str, float]) -> Row:
    for database in ("postgres", "mariadb"):
        if (number := seen.get(f"{database}.sessions")) is not None:
            return "sessions", number, _of(number, seen.get(f"{database}.max_connections"), "")
    return "sessions", None, ""


def _memory(_progress: Progress, seen: Mapping[str, float]) -> Row:
    rss = seen.get("process.rss_bytes")
    return "memory", rss, units.size(rss)


_ROWS: tuple[Callable[[Progress, Mapping[str, float]], Row], ...] = (
    _rate,
    _latency,
    _pool,
    _limiter,
    _lag,
    _sessions,
    _memory,
)


def _of(part: float | None, whole: float | None, what: str) -> str:
    bound = f" of {units.count(whole)}" if whole is not None else ""
    return f"{units.count(part)}{bound} {what}".rstrip()


def _waiting(words: str, number: float | None) -> str:
    return f"{words}, {units.count(number)} waiting" if number else words
