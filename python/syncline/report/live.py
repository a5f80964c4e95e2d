"""What is shown while a run or a load lasts: one live block on a terminal, plain lines elsewhere.

A display is told what happens and tells nobody anything: what is measured does not depend on
it. It draws at most four times a second, in the caller's thread, so that it costs the machine
under test next to nothing; a draw that fails ends the display, not the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from syncline.outcome import Progress
from syncline.report import clean, units

DRAW_EVERY_S = 0.25
LINE_EVERY_S = 10.0


class Display:
    """A block that is redrawn in place on a terminal, or lines that are appended elsewhere.

    Args:
        console: where to show it; usually standard error.
        clock: seconds, monotonic.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._drawn_at = -1e9
        self._live: Live | None = None
        self._broken = False
        # rich ends the process when a pipe is closed; here only the display ends.
        console.on_broken_pipe = self._end  # type: ignore[method-assign]

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            # Without its own thread: the block changes only when there is something to say.
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        else:
            self._drawn_at = self._clock()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def draw(self, block: Callable[[], RenderableType], *, now: bool = False) -> None:
        """Redraw the block if it is time to, or ``now``. Does nothing away from a terminal."""
        live = self._live
        if live is not None and (now or self._due(DRAW_EVERY_S)):
            self._guarded(lambda: live.update(block(), refresh=True))

    def line(self, text: str, style: str = "default") -> None:
        """Append a line that stays: above the block on a terminal."""
        shown = Text(clean.plain(text), style=style)
        self._guarded(lambda: self._console.print(shown, highlight=False, soft_wrap=True))

    def plain_line(self, text: str) -> None:
        """Append a line away from a terminal, where the block would have said it."""
        if self._live is None:
            self.line(text)

    def slow_line(self, text: Callable[[], str]) -> None:
        """Append a line away from a terminal, at most every ten seconds."""
        if self._live is None and self._due(LINE_EVERY_S):
            self.line(text())

    def _due(self, every_s: float) -> bool:
        now = self._clock()
        if now - self._drawn_at < every_s:
            return False
        self._drawn_at = now
        return True

    def _guarded(self, action: Callable[[], object]) -> None:
        if self._broken:
            return
        try:
            action()
        except (OSError, ValueError, UnicodeError):
            # The reader went away (a closed pipe, a closed terminal): the measurement goes on.
            self._end()

    def _end(self) -> None:
        self._broken = True


class LoadDisplay:
    """What ``syncline load`` shows while it lasts, fed by the engine's progress.

    Args:
        duration_s: how long it will last, or None if it ends by a count.
        request_count: how many requests it will send, or None.
    """

    def __init__(
        self, display: Display, duration_s: float | None, request_count: int | None = None
    ) -> None:
        self._display = display
        self._duration_s = duration_s
        self._request_count = request_count

    def __call__(self, progress: Progress) -> None:
        """Show a glance at the load."""
        self._display.draw(lambda: self._block(progress))
        self._display.slow_line(lambda: f"{self._where(progress)}: {glance(progress)}")

    def _block(self, progress: Progress) -> RenderableType:
        head = Text(self._where(progress), style="bold")
        meter = done_bar(self._done(progress), 30)
        return Group(Text.assemble(meter, "  ", head), glance_text(progress))

    def _done(self, progress: Progress) -> float:
        parts = []
        if self._duration_s:
            parts.append(progress.elapsed_s / self._duration_s)
        if self._request_count:
            ended = progress.ok + progress.failed + progress.timed_out
            parts.append(ended / self._request_count)
        return min(1.0, max(parts, default=0.0))

    def _where(self, progress: Progress) -> str:
        phase = "warm-up" if progress.warmup else "load"
        done = self._done(progress)
        left = progress.elapsed_s * (1 - done) / done if done > 0 else None
        togo = f", {units.clock(left)} to go" if left is not None else ""
        return f"{phase} {units.clock(int(progress.elapsed_s))}{togo}"


def glance(progress: Progress) -> str:
    """The state of a load in one line. Silence is called so and never shown as a latency of 0."""
    parts = [f"{units.rate(progress.rate_rps)} req/s"]
    if progress.p50_us is not None:
        parts.append(
            f"p50 {units.duration(progress.p50_us)}, p99 {units.duration(progress.p99_us)}"
        )
    elif silent(progress):
        parts = ["no answers right now"]
    parts.append(f"{units.count(progress.in_flight)} in flight")
    lost = progress.failed + progress.timed_out
    parts.append(f"{units.count(lost)} errors" if lost != 1 else "1 error")
    return ", ".join(parts)


def glance_text(progress: Progress) -> Text:
    """The same line with a colour where something is amiss."""
    if silent(progress):
        return Text(glance(progress), style="bold red")
    return Text(glance(progress), style="yellow" if progress.failed + progress.timed_out else "")


def silent(progress: Progress) -> bool:
    """Whether requests wait and none was answered over the last second."""
    return progress.in_flight > 0 and progress.rate_rps <= 0 and progress.elapsed_s >= 1


def done_bar(share: float, width: int) -> Text:
    """A quiet progress bar."""
    full = round(min(1.0, max(0.0, share)) * width)
    return Text.assemble(("━" * full, "cyan"), ("─" * (width - full), "bright_black"))
