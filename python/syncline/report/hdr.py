"""HdrHistogram's two text formats, as its own tools and plotters read them.

``.hgrm`` is a percentile distribution in milliseconds (``outputPercentileDistribution`` of the
Java library); ``.hlog`` is the interval log, version 1.3 (``HistogramLogWriter``).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from syncline.engine import Histogram
from syncline.outcome import Histograms, Interval, LoadResult
from syncline.record import RunRecord

_NOT_IN_TAGS = re.compile(r"[\s,=\"#]+")
_NS_PER_MS = 1e6


def hgrm(histograms: Histograms, ticks_per_half: int = 5) -> str:
    """The distribution of response time in open loop, of service time in closed loop.

    Empty but for its header if nothing was recorded.
    """
    encoded = histograms.response_time or histograms.service_time
    lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
    if encoded is None:
        return "\n".join(lines) + "\n"
    recorded = Histogram.decode(encoded)
    unit_ms = histograms.unit_ns / _NS_PER_MS
    for value, quantile, total in recorded.percentile_rows(ticks_per_half):
        line = f"{value * unit_ms:12.3f} {quantile:2.12f} {total:10d}"
        lines.append(f"{line} {1 / (1 - quantile):14.2f}" if quantile < 1 else line)
    mean, stdev = recorded.mean * unit_ms, recorded.stdev * unit_ms
    greatest = recorded.max * unit_ms
    lines.append(f"#[Mean    = {mean:12.3f}, StdDeviation   = {stdev:12.3f}]")
    lines.append(f"#[Max     = {greatest:12.3f}, Total count    = {recorded.count:12d}]")
    return "\n".join(lines) + "\n"


def hlog(result: LoadResult, started: datetime) -> str:
    """The log of all intervals, warm-up included and tagged so.

    Untagged lines are response time in open loop and service time in closed loop; in open loop
    service time stands beside it under the tag ``service``.

    Args:
        started: when the load began, with its time zone.
    """
    lines = _head(result.histograms.unit_ns, started)
    for one in result.intervals:
        lines += _interval_lines(one, result.histograms.unit_ns)
    return "\n".join(lines) + "\n"


def run_hlog(record: RunRecord) -> str:
    """The logs of all trials of a run in one, told apart by tags such as ``sync-read-48-0``.

    A tag is variant, load, connections and repeat, of a phase beside the sweep with its name.
    Times run from the run's start.
    """
    begun = datetime.fromisoformat(record.started)
    units = {outcome.result.histograms.unit_ns for _, outcome in record.trials if outcome.result}
    unit_ns = min(units, default=1000)
    lines = _head(unit_ns, begun)
    for trial, outcome in record.trials:
        if outcome.result is None or outcome.result.histograms.unit_ns != unit_ns:
            continue
        since_s = (datetime.fromisoformat(outcome.started) - begun).total_seconds()
        words = [trial.variant.name, trial.load.name, trial.load.connections, trial.repeat]
        if trial.phase != "sweep":
            words += [trial.phase, trial.identity[:6]]
        prefix = _NOT_IN_TAGS.sub("_", "-".join(map(str, words)))
        for one in outcome.result.intervals:
            moved = replace(one, start_s=one.start_s + since_s, end_s=one.end_s + since_s)
            lines += _interval_lines(moved, unit_ns, prefix)
    return "\n".join(lines) + "\n"


def _head(unit_ns: int, started: datetime) -> list[str]:
    moment = started.astimezone(UTC)
    return [
        "#[Logged by syncline]",
        "#[Histogram log format version 1.3]",
        f"#[Histogram values are in units of {unit_ns} ns; Interval_Max is in ms]",
        f"#[StartTime: {moment.timestamp():.3f} (seconds since epoch), {moment:%a %b %d %H:%M:%S}"
        f" UTC {moment:%Y}]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]


def _interval_lines(one: Interval, unit_ns: int, prefix: str = "") -> list[str]:
    if one.response_histogram is None:
        tagged = [("", one.service_histogram)]
    else:
        tagged = [("", one.response_histogram), ("service", one.service_histogram)]
    warmup = "warmup" if one.warmup else ""
    return [
        _line(one, "-".join(word for word in (prefix, warmup, tag) if word), encoded, unit_ns)
        for tag, encoded in tagged
        if encoded is not None
    ]


def _line(one: Interval, tag: str, encoded: str, unit_ns: int) -> str:
    greatest_ms = Histogram.decode(encoded).max * unit_ns / _NS_PER_MS
    head = f"Tag={tag}," if tag else ""
    length_s = one.end_s - one.start_s
    return f"{head}{one.start_s:.3f},{length_s:.3f},{greatest_ms:.3f},{encoded}"
