"""Displays say what goes on and cost nothing when nobody looks."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from syncline import events
from syncline.report.live import Display, LoadDisplay, glance
from syncline.report.live_run import RunDisplay
from tests.unit import factories as make


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def told(terminal: bool, *heard: events.Event, clock: Clock | None = None) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, _environ={})
    with RunDisplay(console, clock or Clock()) as display:
        for event in heard:
            display(event)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_a_silence_is_said_and_never_shown_as_a_latency() -> None:
    silent = make.progress(rate_rps=0.0, p50_us=None, p99_us=None, in_flight=200, timed_out=3)
    assert glance(silent) == "no answers right now, 200 in flight, 3 errors"


def test_a_run_without_a_terminal_is_plain_lines() -> None:
    record = make.run_record()
    experiment = make.experiment(record)
    trial, outcome = record.trials[0]
    hung_trial, hung = record.trials[2]
    text = told(
        False,
        events.RunStarted("id", record.case, experiment, 30.0),
        events.BackendStarting("postgres"),
        events.ServiceStarting(trial.variant),
        events.TrialStarted(1, 4, trial, 20.0),
        events.TrialFinished(1, 4, trial, outcome, 15.0),
        events.TrialFinished(2, 4, hung_trial, hung, 10.0),
        events.Note("the machine is noisy \x1b[31m"),
        events.RunEnded("interrupted", 2),
    )
    lines = text.splitlines()
    assert "\x1b" not in text
    assert "about 30 s" in lines[0]
    assert "starting postgres" in lines
    assert "starting sync" in lines
    assert any("1/4  sync, 1 connection" in line and "15 s to go" in line for line in lines)
    assert any("hung: no answers from 0.4 s on" in line for line in lines)
    assert lines[-1] == "interrupted after 2 trials"


def test_progress_draws_at_most_four_times_a_second() -> None:
    clock = Clock()
    record = make.run_record()
    start = events.TrialStarted(1, 4, record.trials[0][0], 20.0)
    glances = events.TrialProgress(make.progress())
    few = told(True, start, *[glances] * 3, clock=clock)
    many = told(True, start, *[glances] * 3000, clock=clock)
    assert len(many) == len(few)


def test_a_terminal_shows_what_is_going_on_and_what_is_left() -> None:
    clock = Clock()
    record = make.run_record()
    console = Console(file=io.StringIO(), force_terminal=True, width=100, _environ={})
    with RunDisplay(console, clock) as display:
        display(events.TrialStarted(3, 4, record.trials[2][0], 20.0))
        clock.now += 1
        display(events.TrialProgress(make.progress()))
    file = console.file
    assert isinstance(file, io.StringIO)
    text = file.getvalue()
    assert "trial 3 of 4, 19 s to go" in text
    assert "sync, 48 connections" in text
    assert "4,000 req/s" in text


def test_a_display_whose_reader_went_away_lets_the_run_go_on() -> None:
    console = Console(file=Closed(), width=80)
    with Display(console) as display:
        display.line("one")
        display.line("two")


def test_a_load_shows_how_far_it_is() -> None:
    clock = Clock()
    console = Console(file=io.StringIO(), width=40)
    with Display(console, clock) as display:
        shown = LoadDisplay(display, duration_s=40.0)
        shown(make.progress(elapsed_s=0.1))
        clock.now += 11
        shown(make.progress(elapsed_s=10.0))
        shown(replace(make.progress(), elapsed_s=10.1))
    file = console.file
    assert isinstance(file, io.StringIO)
    (line,) = file.getvalue().splitlines()
    assert line.startswith("load 10 s, 30 s to go: 4,000 req/s, p50 2.30 ms")
