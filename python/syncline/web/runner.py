"""One run at a time, started as ``syncline run`` in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from syncline.errors import UsageError
from syncline.process import Child, ChildSpec, Workspace, spawn

# Without the working directory on the path: no file in it may stand in for a library.
SYNCLINE = (sys.executable, "-P", "-c", "from syncline.cli import main; main()")
# A run that is interrupted stops its services and databases before it ends.
_GRACE_S = 30.0
_ORPHAN_GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A run that may be started from the page.

    Attributes:
        name: what the page asks for it by.
        words: of the command line, after ``syncline``.
    """

    name: str
    title: str
    words: tuple[str, ...]


class Active:
    """A run that was started, also when it has ended.

    Attributes:
        title: what is run.
        events: the file that it appends what happens to.
    """

    def __init__(self, title: str, events: Path, child: Child) -> None:
        self.title = title
        self.events = events
        self._child = child
        self._ended = threading.Event()
        # Collects the child's end, so that its guard goes as well.
        threading.Thread(target=self._watch, name="run-watch", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left."""
        return self._ended.is_set()

    @property
    def status(self) -> int | None:
        """Its exit code, negative for a signal; None while it lives."""
        return self._child.poll() if self.ended else None

    def last_words(self) -> str:
        """The end of its output."""
        return self._child.log_tail(20)

    def cancel(self) -> None:
        """Ends it as Ctrl-C does and waits for that: what was finished is kept."""
        self._child.stop()
        self._ended.wait()

    def _watch(self) -> None:
        self._child.wait()
        self._child.stop()
        self._ended.set()


class Runner:
    """Starts what is offered, and nothing else.

    Args:
        store: where runs are kept.
        offers: all that may be started.
        program: stands before an offer's words.
    """

    def __init__(
        self,
        store: str,
        offers: tuple[Offer, ...],
        workspace: Workspace,
        program: tuple[str, ...] = SYNCLINE,
    ) -> None:
        self.offers = offers
        self._store = store
        self._workspace = workspace
        self._program = program
        self._active: Active | None = None
        self._lock = threading.Lock()

    @property
    def active(self) -> Active | None:
        """The run that was started last, which may have ended; None before the first."""
        return self._active

    @property
    def busy(self) -> bool:
        """Whether a run goes on: two at a time would measure each other."""
        return self._active is not None and not self._active.ended

    def start(self, name: str, *, quick: bool) -> Active:
        """Starts the offer of that name.

        Raises:
            UsageError: there is none, or a run goes on.
            EnvironmentLackError: it cannot be started.
        """
        offer = next((one for one in self.offers if one.name == name), None)
        if offer is None:
            raise UsageError("There is no such case here; choose one of the list.")
        with self._lock:
            if self.busy:
                raise UsageError("A run goes on already; two at a time would disturb each other.")
            events = self._workspace.directory("events") / "events.jsonl"
            events.touch()
            words = (*offer.words, *(("--quick",) if quick else ()))
            child = spawn(
                ChildSpec(
                    (*self._program, *words),
                    self._workspace,
                    name="run",
                    env=self._environment(events),
                    stop_signal=signal.SIGINT,
                    stop_grace_s=_GRACE_S,
                    orphan_grace_s=_ORPHAN_GRACE_S,
                )
            )
            self._active = Active(f"syncline {' '.join(words)}", events, child)
            return self._active

    def close(self) -> None:
        """Ends what goes on; returns when nothing is left of it."""
        with self._lock:
            if self._active is not None:
                self._active.cancel()

    def _environment(self, events: Path) -> Mapping[str, str]:
        # As variables: the run's own command line stays what one would type.
        own = {"SYNCLINE_STORE": self._store, "SYNCLINE_EVENTS": os.fspath(events), "NO_COLOR": "1"}
        # The page's token is none of the business of a service under test.
        kept = {k: v for k, v in os.environ.items() if k != "SYNCLINE_UI_TOKEN"}
        return {**kept, **own}
