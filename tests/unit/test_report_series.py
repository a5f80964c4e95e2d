"""Series leave as CSV and OpenMetrics that other programs read, and move while a load runs."""

from __future__ import annotations

import csv
import io
import re

from rich.console import Console

from syncline import events
from syncline.outcome import Series
from syncline.record_json import trial_json
from syncline.report.live_run import RunDisplay
from syncline.report.openmetrics import openmetrics
from syncline.report.series_csv import series_csv
from syncline.trial import Load, Trial, Variant
from tests.unit import factories as make

TRIAL = Trial("users", Variant('=sy"nc\n', app="a:b"), Load(48, 2.0))
OTHER = Trial("users", Variant("async", app="c:d"), Load(48, 2.0))
OUTCOME = make.outcome(
    series={
        "process.rss_bytes": Series("bytes", (0.1, 0.2, 0.3), (1e6, None, 2e6)),
        "probe.loop_lag_max_ms": Series("ms", (0.1,), (250.0,)),
        "postgres.commits_total": Series("1", (0.0, 0.5), (0, 41)),
        "machine.cpu_share.0": Series("share", (0.1,), (0.5,)),
        "probe.pool_waiters[4711]": Series("1", (0.1,), (20,)),
    }
)


def test_csv_has_a_row_for_each_value_and_no_formulas() -> None:
    rows = list(csv.DictReader(io.StringIO(series_csv([(TRIAL, OUTCOME)]))))
    assert len(rows) == 8
    memory = [row for row in rows if row["series"] == "process.rss_bytes"]
    assert [(row["t_s"], row["value"]) for row in memory] == [
        ("0.1", "1000000"),
        ("0.2", ""),
        ("0.3", "2000000"),
    ]
    assert {row["connections"] for row in rows} == {"48"}
    assert {row["variant"] for row in rows} == {"'=sy\"nc\\n"}


def test_openmetrics_has_base_units_one_family_each_and_an_end() -> None:
    text = openmetrics([(TRIAL, OUTCOME), (OTHER, OUTCOME)])
    lines = text.splitlines()
    assert lines[-1] == "# EOF"
    types = [line for line in lines if re.match("# TYPE (?!syncline_load)", line)]
    assert types == [
        "# TYPE syncline_machine_cpu_0_ratio gauge",
        "# TYPE syncline_postgres_commits counter",
        "# TYPE syncline_probe_loop_lag_max_seconds gauge",
        "# TYPE syncline_probe_pool_waiters gauge",
        "# TYPE syncline_process_rss_bytes gauge",
    ]
    assert "# UNIT syncline_probe_loop_lag_max_seconds seconds" in lines
    lag = next(line for line in lines if line.startswith("syncline_probe_loop_lag"))
    assert lag.split()[-2:] == ["0.25", "1767323045.100"]  # 2026-01-02T03:04:05Z and 0.1 s
    assert sum(line.startswith("syncline_postgres_commits_total{") for line in lines) == 4
    assert any('pid="4711"' in line for line in lines)
    samples = [line for line in lines if not line.startswith("#")]
    label = r'[a-z]+="(?:[^"\\]|\\.)*"'
    for line in samples:
        assert re.fullmatch(rf"[a-z0-9_]+{{{label}(,{label})*}} \S+ \d+\.\d{{3}}", line), line
    observed = [line for line in samples if not line.startswith("syncline_load_")]
    assert len(observed) == 2 * 7  # what was not seen is left out
    assert any(line.startswith("syncline_load_p99_seconds{") for line in samples)


def test_a_family_keeps_its_samples_together() -> None:
    text = openmetrics([(TRIAL, OUTCOME), (OTHER, OUTCOME)])
    names = [line.partition("{")[0] for line in text.splitlines() if not line.startswith("#")]
    runs = [name for i, name in enumerate(names) if i == 0 or names[i - 1] != name]
    assert len(runs) == len(set(runs))


def test_the_json_of_a_trial_carries_its_series() -> None:
    data = trial_json(TRIAL, OUTCOME)
    assert data["series"]["process.rss_bytes"] == {
        "unit": "bytes",
        "t_s": [0.1, 0.2, 0.3],
        "value": [1e6, None, 2e6],
    }
    assert data["observations"] == []


def shown(*seen: dict[str, float], plots: bool = True) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, _environ={})
    ticks = iter(range(1000))
    with RunDisplay(console, lambda: float(next(ticks)), plots=plots) as display:
        display(events.TrialStarted(1, 2, TRIAL, 10.0))
        for values in seen:
            display(events.TrialProgress(make.progress(), values))
    return file.getvalue()


SEEN = {
    "probe.pool_checked_out": 15.0,
    "probe.pool_limit": 15.0,
    "probe.pool_waiters": 33.0,
    "probe.limiter_borrowed": 40.0,
    "probe.limiter_tokens": 40.0,
    "probe.loop_lag_max_ms": 145.0,
    "postgres.sessions": 15.0,
    "postgres.max_connections": 100.0,
    "process.rss_bytes": 94e6,
}


def test_plots_show_what_limits_the_service() -> None:
    text = shown(SEEN, SEEN)
    for words in (
        "15 of 15 checked out, 33 waiting",
        "40 of 40 threads",
        "at most 145 ms",
        "15 of 100",
        "94.0 MB",
    ):
        assert words in text, words


def test_a_quantity_that_is_not_seen_has_no_plot_and_none_are_shown_unasked() -> None:
    text = shown({"process.rss_bytes": 94e6})
    assert "memory" in text
    assert "limiter" not in text
    assert "sessions" not in text
    assert "memory" not in shown(SEEN, plots=False)
