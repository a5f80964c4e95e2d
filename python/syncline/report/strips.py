"""A trial as a strip of a timeline: what the load saw and what was observed, on one time axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from syncline.outcome import Interval, LoadResult, Observation, Outcome, Series
from syncline.report.graphics import Panel, Quantity, Strip, Track
from syncline.report.heat import heat_of
from syncline.report.levels import trial_words
from syncline.report.marks import marks_of
from syncline.report.thin import thinned
from syncline.trial import Trial

MOST_SAMPLES = 240
LEAST_SAMPLES = 24
_BUDGET = 40_000
"""Samples of all series in a document: about 500 kB of it."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A series in a panel: its name, what the reader calls it, and the factor to the unit."""

    series: str
    name: str
    factor: float = 1.0
    bound: bool = False


_PANELS: tuple[tuple[str, Quantity, tuple[_Shown, ...]], ...] = (
    (
        "Connection pool",
        "count",
        (
            _Shown("probe.pool_checked_out", "checked out"),
            _Shown("probe.pool_waiters", "waiting"),
            _Shown("probe.pool_limit", "limit", bound=True),
        ),
    ),
    (
        "Thread limiter",
        "count",
        (
            _Shown("probe.limiter_borrowed", "threads taken"),
            _Shown("probe.limiter_waiting", "waiting"),
            _Shown("probe.limiter_tokens", "limit", bound=True),
        ),
    ),
    (
        "Event loop lag",
        "duration_us",
        (
            _Shown("probe.loop_lag_max_ms", "longest", 1e3),
            _Shown("probe.loop_lag_p50_ms", "median", 1e3),
        ),
    ),
    (
        "Database sessions",
        "count",
        (
            _Shown("postgres.sessions", "all"),
            _Shown("postgres.sessions.active", "active"),
            _Shown("postgres.sessions.idle_in_transaction", "idle in transaction"),
            _Shown("mariadb.sessions", "all"),
            _Shown("mariadb.threads_running", "active"),
            _Shown("mariadb.transactions", "in a transaction"),
        ),
    ),
    (
        "Cache clients",
        "count",
        (
            _Shown("valkey.clients", "clients"),
            _Shown("probe.cache_pool_waiters", "waiting for one"),
        ),
    ),
    (
        "Sockets of the service",
        "count",
        (
            _Shown("sockets.established", "established"),
            _Shown("sockets.unread", "with unread bytes"),
            _Shown("sockets.unaccepted", "not accepted"),
        ),
    ),
    ("Memory", "size", (_Shown("process.rss_bytes", "service"),)),
    (
        "CPU",
        "cores",
        (
            _Shown("process.cpu_cores", "service"),
            _Shown("process.busiest_thread_cores", "its busiest thread"),
            _Shown("postgres.cpu_cores", "PostgreSQL"),
            _Shown("mariadb.cpu_cores", "MariaDB"),
            _Shown("valkey.cpu_cores", "Valkey"),
        ),
    ),
)


def strips_of(trials: Sequence[tuple[Trial, Outcome]]) -> tuple[Strip, ...]:
    """One strip per trial that left anything over time, in the order they ran.

    The more trials there are, the fewer samples of each are kept; see :func:`thinned`.
    """
    shown = [(trial, outcome) for trial, outcome in trials if outcome.result or outcome.series]
    series = sum(len(tuple(_wanted(outcome.series))) for _, outcome in shown)
    limit = max(LEAST_SAMPLES, min(MOST_SAMPLES, _BUDGET // max(1, series)))
    strips = (
        strip(
            trial.identity,
            trial_words(trial),
            outcome.result,
            outcome.series,
            outcome.observations,
            outcome=outcome,
            warmup_s=trial.load.warmup_s,
            limit=limit,
        )
        for trial, outcome in shown
    )
    return tuple(one for one in strips if one.panels)


def strip(
    key: str,
    label: str,
    result: LoadResult | None,
    series: Mapping[str, Series],
    observations: Sequence[Observation],
    *,
    outcome: Outcome | None = None,
    warmup_s: float = 0.0,
    limit: int = MOST_SAMPLES,
) -> Strip:
    """What one load left, over time."""
    panels = [*_load_panels(result), *_series_panels(series, limit)]
    ends = [track.t_s[-1] for panel in panels for track in panel.tracks if track.t_s]
    if result is not None:
        ends += [one.end_s for one in result.intervals]
    hang = outcome.hang if outcome is not None else None
    marks = marks_of(result, series, observations, warmup_s=warmup_s, hang=hang)
    return Strip(key, label, round(max(ends, default=0.0), 3), tuple(panels), marks)


def _load_panels(result: LoadResult | None) -> Iterator[Panel]:
    if result is None or not result.intervals:
        return
    whole = [one for one in result.intervals if one.end_s > one.start_s]
    middle = tuple(round((one.start_s + one.end_s) / 2, 3) for one in whole)

    def per_second(count: Callable[[Interval], int | None]) -> tuple[float | None, ...]:
        return tuple(
            None if (number := count(one)) is None else round(number / (one.end_s - one.start_s), 2)
            for one in whole
        )

    tracks = [Track("answers", middle, per_second(lambda one: one.ok))]
    if any(one.planned for one in whole):
        tracks.append(Track("planned", middle, per_second(lambda one: one.planned), bound=True))
    yield Panel("Requests per second", "rate", tuple(tracks))
    heat = heat_of(whole, result.histograms.unit_ns)
    if heat is not None:
        which = "Response time" if result.response_time_us else "Service time"
        yield Panel(f"{which}, requests by latency", "duration_us", (), heat)
    failures = (
        Track("failed", middle, per_second(lambda one: one.failed)),
        Track("timed out", middle, per_second(lambda one: one.timed_out)),
    )
    if any(value for track in failures for value in track.value):
        yield Panel("Errors per second", "rate", failures)
    waiting = [Track("in flight", middle, tuple(float(one.in_flight) for one in whole))]
    if any(one.queued for one in whole):
        queued = tuple(float(one.queued) for one in whole)
        waiting.append(Track("waiting for a connection", middle, queued))
    yield Panel("Requests without an answer yet", "count", tuple(waiting))


def _series_panels(series: Mapping[str, Series], limit: int) -> Iterator[Panel]:
    wanted = set(_wanted(series))
    for title, quantity, shown in _PANELS:
        tracks = tuple(
            Track(one.name, *_scaled(series[one.series], one.factor, limit), bound=one.bound)
            for one in shown
            if one.series in wanted
        )
        if any(not track.bound for track in tracks):
            yield Panel(title, quantity, tracks)


def _wanted(series: Mapping[str, Series]) -> Iterator[str]:
    """The series that a panel shows and in which something was ever seen."""
    for _, _, shown in _PANELS:
        for one in shown:
            found = series.get(one.series)
            if found is not None and any(value is not None for value in found.value):
                yield one.series


def _scaled(
    series: Series, factor: float, limit: int
) -> tuple[tuple[float, ...], tuple[float | None, ...]]:
    t_s, value = thinned(series.t_s, series.value, limit)
    if any(later < earlier for earlier, later in pairwise(t_s)):
        order = sorted(range(len(t_s)), key=t_s.__getitem__)
        t_s, value = tuple(t_s[i] for i in order), tuple(value[i] for i in order)
    scaled = tuple(None if one is None else float(f"{one * factor:.5g}") for one in value)
    return tuple(round(at, 3) for at in t_s), scaled
