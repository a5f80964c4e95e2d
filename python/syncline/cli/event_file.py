"""What happens in a run, appended to a file as JSON lines: for ``syncline ui``, which follows it.

A file and not a pipe: whoever reads too slowly, or has gone, must not hold up a measurement.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from syncline.events import Event, Observer, TrialProgress
from syncline.report.live_events import told

_LEAST_S = 0.4  # between two glances: ten a second would be more than a page can show


@contextmanager
def also_to(path: Path | None, shown: Observer) -> Iterator[Observer]:
    """An observer that shows each event and, with a path, appends it there as well."""
    if path is None:
        yield shown
        return
    with path.open("a", encoding="utf-8") as stream:
        written = EventFile(stream)

        def both(event: Event) -> None:
            written(event)
            shown(event)

        yield both


class EventFile:
    """An observer that writes; glances at a running trial at most every 0.4 s."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream: TextIO | None = stream
        self._clock = clock
        self._next = 0.0

    def __call__(self, event: Event) -> None:
        """Appends one event, whole; a full disk ends the telling, never the run."""
        if self._stream is None:
            return
        if isinstance(event, TrialProgress):
            now = self._clock()
            if now < self._next:
                return
            self._next = now + _LEAST_S
        try:
            self._stream.write(f"{json.dumps(told(event), allow_nan=False)}\n")
            self._stream.flush()
        except OSError as error:
            self._stream = None
            print(f"What happens is no longer told to the page: {error}", file=sys.stderr)
