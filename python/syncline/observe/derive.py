"""Figures per request: what observers counted, set against what the load counted meanwhile."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping

from syncline.observe.track import compact
from syncline.outcome import Interval, Series

# Of an interval with fewer answers nothing per request is said.
_FEWEST = 5
# The derived quantity, the counter that it is made of, and per how many requests.
_PER_REQUEST = (
    ("process.switches_voluntary_per_request", "process.switches_voluntary_total", 1),
    ("process.switches_involuntary_per_request", "process.switches_involuntary_total", 1),
    ("postgres.new_sessions_per_100_requests", "postgres.new_sessions_total", 100),
    ("postgres.transactions_per_request", "postgres.commits_total", 1),
    ("mariadb.new_sessions_per_100_requests", "mariadb.new_sessions_total", 100),
    ("mariadb.questions_per_request", "mariadb.questions_total", 1),
    ("valkey.commands_per_request", "valkey.commands_total", 1),
)


def derive(series: Mapping[str, Series], intervals: Iterable[Interval]) -> dict[str, Series]:
    """The series per request, one value per interval of the load, at the interval's end.

    Between samples a counter is taken to grow evenly. Requests count where they ended, failed
    and timed-out ones too, since the service worked for them.
    """
    spans = tuple(intervals)
    found = {}
    for name, counter, scale in _PER_REQUEST:
        if counter not in series:
            continue
        at = [(i.end_s, _ratio(series[counter], i, scale)) for i in spans]
        if any(value is not None for _, value in at):
            times = tuple(round(time, 3) for time, _ in at)
            found[name] = Series("1", times, tuple(value for _, value in at))
    return found


def at_instant(series: Series, t_s: float) -> float | None:
    """The value at an instant, evenly between its neighbours; None outside of what was seen."""
    place = bisect_right(series.t_s, t_s)
    if place == 0 or (place == len(series.t_s) and t_s > series.t_s[-1]):
        return None
    before = series.value[place - 1]
    if place == len(series.t_s):
        return before
    after = series.value[place]
    if before is None or after is None:
        return None
    start_s, end_s = series.t_s[place - 1], series.t_s[place]
    share = (t_s - start_s) / (end_s - start_s) if end_s > start_s else 0.0
    return before + share * (after - before)


def _ratio(counter: Series, interval: Interval, scale: float) -> float | None:
    ended = interval.ok + interval.failed + interval.timed_out
    # The first sample may come some milliseconds into the load, and a counter begins at 0.
    start = at_instant(counter, interval.start_s)
    if start is None and counter.t_s and interval.start_s <= counter.t_s[0] < interval.end_s:
        start = counter.value[0]
    end = at_instant(counter, interval.end_s)
    if start is None or end is None or ended < _FEWEST:
        return None
    return compact(max(0.0, end - start) * scale / ended)
