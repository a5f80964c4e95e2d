"""A comparison shows what was measured as what it was, and says what follows from it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.console import Console

from syncline.outcome import Silence, Validity
from syncline.record import Comparison, RunRecord
from syncline.report.comparison import build_comparison
from syncline.report.markdown import render_markdown
from syncline.report.terminal import render_terminal
from syncline.trial import Published, Variant
from tests.unit import factories as make


def terminal(record: RunRecord, width: int = 120) -> str:
    console = Console(width=width, record=True, file=None, quiet=False, force_terminal=True)
    with console.capture() as captured:
        render_terminal(build_comparison(record), console)
    return re.sub(r"\x1b\[[0-9;]*m", "", captured.get())


def flat(record: RunRecord) -> str:
    return " ".join(render_markdown(build_comparison(record)).split())


def test_a_hang_is_shown_as_what_it_is() -> None:
    shown = terminal(make.run_record())
    (row,) = (line for line in shown.splitlines() if line.split()[:1] == ["48"])
    assert "hang from 0.4 s on" in row
    assert "15" not in row, "the rate of a hung trial is no rate"
    assert "0.00" not in shown
    assert "nan" not in shown.lower().replace("finance", "")
    assert "no answers from 0.4 s on, for 1.6 s; 200 in flight; 3 time-outs" in flat(
        make.run_record()
    )


def test_a_service_that_never_answered_has_no_latency() -> None:
    shown = flat(
        make.run_record({("sync", 1): make.dead_result(), ("async", 1): make.with_rate(9)})
    )
    assert "no answers at all, for 5 s" in shown
    assert not re.search(r"\b0(\.0+)? (µs|ms|s)\b", shown)


def test_an_invalid_trial_is_named_with_its_reason_and_not_compared() -> None:
    bad = make.with_rate(500.0, validity=Validity.of(("the generator was saturated",)))
    record = make.run_record({("sync", 1): make.with_rate(100.0), ("async", 1): bad})
    shown = flat(record)
    assert "async is invalid at 1 connection: the generator was saturated" in shown
    assert "5.00×" not in shown
    assert "500 |" not in shown


def test_an_invalid_repeat_is_not_averaged_in() -> None:
    good = make.outcome(make.with_rate(100.0))
    bad = make.outcome(make.with_rate(900.0, validity=Validity.of(("too noisy",))))
    record = make.run_record({("sync", 1): good, ("async", 1): make.with_rate(200.0)})
    (first, _), *rest = record.trials
    again = (replace(first, repeat=1), bad)
    shown = flat(replace(record, trials=((first, good), again, *rest)))
    assert "| 1 | 100 |" in shown
    assert "too noisy" in shown
    assert "(1 of 2 runs)" in shown


def test_who_leads_follows_from_the_figures() -> None:
    ahead = {("sync", 1): make.with_rate(100.0), ("async", 1): make.with_rate(150.0)}
    assert "async answers more than sync at 1 connection: 1.50 times" in flat(
        make.run_record(ahead)
    )
    behind = {("sync", 1): make.with_rate(150.0), ("async", 1): make.with_rate(100.0)}
    assert "sync answers more than async at 1 connection: 1.50 times" in flat(
        make.run_record(behind)
    )


def test_close_figures_without_an_interval_are_no_difference() -> None:
    close = {("sync", 1): make.with_rate(100.0), ("async", 1): make.with_rate(103.0)}
    shown = flat(make.run_record(close))
    assert "show no difference at 1 connection" in shown
    assert "answers more" not in shown


def test_a_verdict_with_an_interval_goes_before_the_bare_ratio() -> None:
    rates = {("sync", 1): make.with_rate(100.0), ("async", 1): make.with_rate(120.0)}
    found = Comparison(
        *("read", 1, "throughput_rps", "sync", "async", 1.2, (0.9, 1.6), "no difference shown")
    )
    shown = flat(make.run_record(rates, comparisons=(found,)))
    assert "show no difference at 1 connection" in shown
    assert "0.900–1.60" in shown


def test_single_runs_are_said_to_carry_no_interval() -> None:
    assert "single run and carries no interval" in flat(make.run_record())


def test_the_original_is_labelled_as_its_authors_and_from_elsewhere() -> None:
    shown = flat(make.run_record())
    assert "published elsewhere sync" in shown
    assert "original author's own req/s (an article by the original author)" in shown
    assert "another machine" in shown
    assert "| hang |" in shown, "the original's hang is a word, not 0.00"


def test_a_hang_of_the_original_is_set_against_ours() -> None:
    assert "hung at 48 connections; so did this one" in flat(make.run_record())
    alive = {("sync", 48): make.with_rate(930.0), ("async", 48): make.with_rate(1100.0)}
    assert "this one answered there (930 req/s)" in flat(make.run_record(alive))


def test_a_pause_that_ended_is_mentioned() -> None:
    paused = make.with_rate(100.0, silence=Silence(0.5, 1.1))
    shown = flat(make.run_record({("sync", 1): paused, ("async", 1): make.with_rate(100.0)}))
    assert "sync paused at 1 connection: no answers from 0.5 s on, for 1.1 s" in shown


def test_slow_answers_leave_pauses_that_are_none() -> None:
    slow = make.with_rate(
        2.0, silence=Silence(0.5, 2.4), service_time_us=make.quantiles([2_500_000.0])
    )
    shown = flat(make.run_record({("sync", 1): slow, ("async", 1): make.with_rate(100.0)}))
    assert "paused" not in shown


def test_a_hang_at_several_levels_is_told_once_and_then_where_else() -> None:
    results = {
        (variant, level): make.hung_result() if variant == "sync" else make.with_rate(100.0)
        for variant in ("sync", "async", "more", "most")
        for level in (1, 48)
    }
    variants = tuple(Variant(name, app="a:b") for name in ("sync", "async", "more", "most"))
    shown = flat(make.run_record(results, case=make.case(variants=variants)))
    assert "3 other variants kept answering there (100 req/s)." in shown
    assert shown.count("no answers from") == 1
    assert "sync hung at 48 connections as well." in shown


def test_an_original_without_figures_for_what_ran_has_no_table() -> None:
    notes = (Published("sync", 1, note="faster"), Published("async", 1, note="slower"))
    assert "ublished elsewhere" not in flat(make.run_record(case=make.case(published=notes)))


def test_an_interrupted_run_shows_what_is_missing() -> None:
    record = make.run_record()
    record = replace(record, status="interrupted", trials=record.trials[:1])
    shown = flat(record)
    assert "3 trials of 4 did not run" in shown
    assert "not run" in shown


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = terminal(make.run_record(), width).splitlines()
    assert max(map(len, lines)) <= width


def test_a_group_of_long_names_is_continued_and_not_cut() -> None:
    names = tuple(f"async-over-sync-with-a-pool-of-{size}" for size in (5, 50, 500))
    asked = make.case(variants=tuple(Variant(name, app="a:b") for name in names), published=())
    results = {(name, 1): make.with_rate(100.0) for name in names}
    shown = terminal(make.run_record(results, case=asked), 60)
    assert "…" not in shown
    assert shown.count(f"req/s over {names[0]}") == 2


def test_at_100_columns_everything_stands_in_one_table() -> None:
    shown = terminal(make.run_record(), 100)
    assert sum(line.startswith("conns") for line in shown.splitlines()) == 1


def test_figures_stand_in_line() -> None:
    lines = terminal(make.run_record()).splitlines()
    head = next(line for line in lines if line.startswith("conns"))
    row = next(line for line in lines if line.split()[:1] == ["1"])
    for title in ("req/s", "errors"):
        end = head.index(title) + len(title)
        assert row[end - 1] != " "
        assert row[end : end + 1] in (" ", "")


def test_hostile_names_are_neutralised() -> None:
    hostile = make.case(title="\x1b[2J<img src=x onerror=alert(1)>|a|", source="\x1b]0;x\x07")
    record = make.run_record(case=hostile)
    assert "\x1b[2J" not in terminal(record)
    assert "\x07" not in terminal(record)
    shown = render_markdown(build_comparison(record))
    assert "\x1b" not in shown
    assert "<img" not in shown.replace("\\<", "")


def test_one_variant_alone_needs_no_ratio() -> None:
    shown = flat(make.run_record({("sync", 1): make.with_rate(100.0)}))
    assert "ratio" not in shown


def test_a_tie_of_repeats_says_what_difference_could_have_been_seen() -> None:
    record = make.run_record(
        {("sync", 1): make.with_rate(100.0), ("async", 1): make.with_rate(99.0)}
    )
    tie = Comparison(
        *("read", 1, "throughput_rps", "sync", "async", 0.99),
        interval=(0.96, 1.02),
        verdict="no difference shown",
        could_have_seen=0.04,
    )
    shown = flat(replace(record, comparisons=(tie,)))
    assert "the interval of their ratio holds 1 (could have seen 4 %)." in shown
