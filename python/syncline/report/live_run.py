"""What is shown while an experiment runs, told by its events."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.text import Text

from syncline import events
from syncline.outcome import Outcome, Progress
from syncline.report import clean, units
from syncline.report.incidents import incidents
from syncline.report.levels import figures, latency, trial_words
from syncline.report.live import Display, done_bar, glance, glance_text
from syncline.report.live_plots import Plots

_RECENT = 6


class RunDisplay:
    """An observer of an experiment: what goes on, current figures, what is left, time to go.

    Use it as a context manager around the run and hand it over as the observer.

    Args:
        plots: whether small plots of what is observed are shown as well.
    """

    def __init__(
        self,
        console: Console,
        clock: Callable[[], float] = time.monotonic,
        *,
        plots: bool = False,
    ) -> None:
        self._display = Display(console, clock)
        self._clock = clock
        self._doing = "starting"
        self._progress: Progress | None = None
        self._index, self._total = 0, 0
        self._ends_at: float | None = None
        self._recent: list[Text] = []
        self._plots = Plots() if plots else None

    def __enter__(self) -> RunDisplay:
        self._display.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._display.__exit__(None, None, None)

    def __call__(self, event: events.Event) -> None:
        """Take one event; return at once."""
        match event:
            case events.RunStarted():
                self._total = len(event.experiment.trials)
                self._expect(event.eta_s)
                trials = units.plural(self._total, "trial")
                self._display.line(
                    f"{event.case.name}: {event.case.title} ({trials}, "
                    f"about {units.clock(event.eta_s)})",
                    "bold",
                )
            case events.PhaseStarted(experiment=experiment, total=total, eta_s=eta_s):
                self._total = total
                self._expect(eta_s)
                trials = units.plural(len(experiment.trials), "more trial")
                self._display.line(
                    f"{experiment.purpose} ({trials}, about {units.clock(eta_s)})", "bold"
                )
            case events.BackendStarting(name=name, shown_url=url):
                self._now(f"connecting to {url}" if url else f"starting {name}")
            case events.DatabasePreparing():
                self._now("preparing the database")
            case events.ServiceStarting(variant=variant, again=again, reason=reason):
                verb = "restarting" if again else "starting"
                self._now(f"{verb} {variant.name}{f': {reason}' if reason else ''}")
            case events.TrialStarted():
                self._index, self._total = event.index, event.total
                self._progress = None
                if self._plots is not None:
                    self._plots.clear()
                self._expect(event.eta_s)
                self._now(trial_words(event.trial), line=False)
            case events.TrialProgress(progress=progress, seen=seen):
                self._progress = progress
                if self._plots is not None:
                    self._plots.add(progress, seen)
                self._display.draw(self._block)
                self._display.slow_line(lambda: f"  {self._doing}: {glance(progress)}")
            case events.TrialFinished():
                self._expect(event.eta_s)
                self._finished(event)
            case events.Note(text=text):
                self._display.line(text, "yellow")
            case events.RunEnded(status=status, done=done):
                self._ended(status, done)

    def _now(self, doing: str, *, line: bool = True) -> None:
        self._doing = doing
        if line:
            self._progress = None
        self._display.draw(self._block, now=True)
        if line:
            self._display.plain_line(doing)

    def _finished(self, event: events.TrialFinished) -> None:
        text, style = outcome_words(event.outcome)
        line = f"{event.index}/{event.total}  {trial_words(event.trial)}: {text}"
        self._recent = [*self._recent[1 - _RECENT :], Text(clean.plain(line), style=style)]
        self._progress = None
        self._display.draw(self._block, now=True)
        self._display.plain_line(f"{line}{self._left()}")

    def _ended(self, status: str, done: int) -> None:
        if status != "finished":
            self._display.line(f"{status} after {units.plural(done, 'trial')}", "yellow")

    def _expect(self, eta_s: float) -> None:
        self._ends_at = self._clock() + eta_s

    def _left(self) -> str:
        if self._ends_at is None:
            return ""
        return f", {units.clock(self._ends_at - self._clock())} to go"

    def _block(self) -> RenderableType:
        done = max(0, self._index - 1) / self._total if self._total else 0.0
        place = f"trial {self._index} of {self._total}" if self._index else "setting up"
        head = Text.assemble(done_bar(done, 30), "  ", (f"{place}{self._left()}", "bold"))
        now = Text(clean.plain(self._doing), style="cyan")
        detail = Text("") if self._progress is None else glance_text(self._progress)
        if self._plots is not None and self._progress is not None:
            return Group(*self._recent, head, now, detail, self._plots.block())
        return Group(*self._recent, head, now, detail)


def outcome_words(outcome: Outcome) -> tuple[str, str]:
    """What a trial came to, in a few words, and the style they are shown in."""
    cell = figures((outcome,))
    result = outcome.result
    if cell.state != "measured" or result is None:
        found = incidents(cell)
        return ": ".join(found[0]).removeprefix("is ") if found else "no result", "red"
    times = latency(result)
    tail = f", p50 {units.duration(times.p50)}, p99 {units.duration(times.p99)}" if times else ""
    lost = f", {units.plural(cell.errors, 'error')}" if cell.errors else ""
    style = "yellow" if lost else "default"
    return f"{units.rate(result.throughput_rps)} req/s{tail}{lost}", style
