from __future__ import annotations

import io
import random
from dataclasses import replace

import pytest
from rich.console import Console

from syncline.report.curves import at_share, load_charts, percentile_chart
from syncline.report.document import Census, Chart, Document, FindingBlock, Flame, Timeline
from syncline.report.heat import heat_of
from syncline.report.levels import grid, trial_words
from syncline.report.markdown import render_markdown
from syncline.report.marks import marks_of
from syncline.report.original import Original
from syncline.report.run_report import build_report
from syncline.report.terminal import render_terminal
from syncline.report.thin import thinned
from tests.unit.factories import UNIT_NS, interval, run_record, with_rate
from tests.unit.pages import observed_run


@pytest.mark.parametrize("size", [9, 100, 4096])
def test_thinning_keeps_every_extreme_the_ends_and_the_gaps(size: int) -> None:
    chance = random.Random(size)
    values: list[float | None] = [chance.gauss(0, 1) for _ in range(size)]
    values[size // 3] = 50.0
    values[size // 2] = -50.0
    values[size - 2] = None
    times = [float(i) for i in range(size)]
    t_s, value = thinned(times, values, 60)
    assert len(t_s) == len(value) <= max(60, min(size, 60))
    assert {50.0, -50.0, None} <= set(value)
    assert (t_s[0], t_s[-1]) == (0.0, times[-1])
    assert list(t_s) == sorted(t_s)
    assert all(values[int(at)] == kept for at, kept in zip(t_s, value, strict=True))


def test_a_heat_map_holds_every_request_in_the_column_and_row_of_its_own() -> None:
    heat = heat_of([interval(start, 200) for start in range(3)], UNIT_NS)
    assert heat is not None
    assert heat.edges_s == (0.0, 1.0, 2.0, 3.0)
    assert [sum(column) for column in heat.counts] == [200, 200, 200]
    assert heat.edges_us[0] < 2300 < heat.edges_us[-1]
    top = max(range(len(heat.counts[0])), key=heat.counts[0].__getitem__)
    assert heat.edges_us[top] / 2 < 2300 < heat.edges_us[top + 1] * 2


def test_marks_tell_when_the_pool_filled_when_answers_stopped_and_who_blocked_the_loop() -> None:
    _, seen = observed_run("app.py:3").trials[2]
    marks = marks_of(seen.result, seen.series, seen.observations, warmup_s=0.1, hang=seen.hang)
    found = {mark.kind: mark for mark in marks}
    assert found["full"].at_s == 0.3
    assert found["timeout"].at_s == 0.6
    assert found["blocked"].text == "loop blocked for 900 ms in app.py:3"
    assert found["stall"].until_s is not None
    assert found["warmup"].until_s == 0.1
    assert [mark.at_s for mark in marks] == sorted(mark.at_s for mark in marks)


def test_charts_show_the_original_dashed_and_a_hang_as_a_word() -> None:
    record = observed_run()
    charts = list(load_charts(grid(record), Original.of(record.case)))
    (view,) = charts[0].views
    lines = {line.name: line for line in view.lines}
    assert [point.note for point in lines["sync"].points] == ["", "hang"]
    assert lines["sync, published"].dashed
    assert lines["sync, published"].hue == lines["sync"].hue != lines["async"].hue


def test_repeats_get_a_95_percent_interval_and_single_runs_none() -> None:
    record = run_record({("sync", 1): with_rate(70.0), ("async", 1): with_rate(84.0)})
    (chart, *_) = load_charts(grid(record), Original.of(record.case))
    assert chart.views[0].lines[0].points[0].low is None
    trials = tuple(
        (type(trial)(trial.case, trial.variant, trial.load, repeat), seen)
        for repeat, rate in enumerate((90.0, 100.0, 110.0))
        for trial, seen in run_record({("sync", 1): with_rate(rate)}).trials
    )
    record = replace(record, trials=trials, planned=tuple(trial for trial, _ in trials))
    (chart, *_) = load_charts(grid(record), Original.of(record.case))
    (point,) = chart.views[0].lines[0].points
    assert point.y == 100.0
    # Student's t for 2 degrees of freedom: 4.303 * 10 / sqrt(3).
    assert (point.low, point.high) == pytest.approx((75.16, 124.84), abs=0.01)


def test_the_percentile_chart_agrees_with_the_histogram() -> None:
    record = run_record({("sync", 1): with_rate(5000.0)})
    chart = percentile_chart(grid(record))
    assert chart is not None
    result = record.trials[0][1].result
    assert result is not None
    assert result.service_time_us is not None
    p99 = at_share(chart.views[0].lines[0], 0.99)
    assert p99 == pytest.approx(result.service_time_us.p99, rel=0.1)


def test_evidence_leads_to_the_very_trial_though_others_have_the_same_connections() -> None:
    record = observed_run()
    shown, outcome = next(pair for pair in record.trials if pair[0].variant.name == "sync")
    again = replace(shown, repeat=1)
    (seen,) = (replace(one, trial=again.identity, level=1) for one in record.findings)
    record = replace(record, trials=(*record.trials, (again, outcome)), findings=(seen,))
    (block,) = [node for node in build_report(record).nodes if isinstance(node, FindingBlock)]
    assert block.trial is not None
    assert block.trial.strip == again.identity


def test_trials_of_a_proof_are_told_from_those_of_the_table() -> None:
    (trial, *_) = (one for one, _ in observed_run().trials)
    proof = replace(trial, phase="verification", repeat=1)
    assert trial_words(proof) == f"{trial_words(trial)}, proof, repeat 2"


def test_a_report_leads_from_evidence_to_the_trial_and_instant() -> None:
    record = observed_run()
    nodes = build_report(record).nodes
    (block,) = [node for node in nodes if isinstance(node, FindingBlock)]
    (timeline,) = [node for node in nodes if isinstance(node, Timeline)]
    assert block.root
    assert block.places[0] is not None
    assert block.places[0].at_s == 0.4
    assert block.places[1] is None
    assert timeline.strips[timeline.chosen].key == block.places[0].strip
    assert {type(node) for node in nodes} >= {Chart, Census}


def test_a_run_without_any_trial_is_said_to_have_none() -> None:
    record = run_record(planned=(), trials=())
    assert "nothing to show" in render_markdown(build_report(record))


def test_markdown_and_terminal_say_what_the_graphics_show() -> None:
    report = build_report(observed_run())
    flame = Flame("CPU", ((("main", "work"), 3), (("main",), 1)))
    report = Document((*report.nodes, flame))
    markdown = render_markdown(report)
    screen = io.StringIO()
    render_terminal(report, Console(file=screen, width=110))
    for text in (markdown, screen.getvalue()):
        assert "pool full" in text
        assert "checked out" in text
        assert "What cures it: close it." in text
        assert "75.0 %" in text
        assert "Every connection was served" in text
