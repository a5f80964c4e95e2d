"""The store as the page needs it: opened for a request, and never made by looking."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from syncline.errors import UsageError
from syncline.record import RunRecord
from syncline.store import RunSummary, Store


@dataclass(frozen=True, slots=True)
class Filter:
    """Which runs to list; an empty field means all.

    Attributes:
        text: is to be in the id, the case, the purpose or the commit.
    """

    case: str = ""
    status: str = ""
    text: str = ""

    def takes(self, run: RunSummary) -> bool:
        """Whether a run is among them."""
        words = f"{run.id} {run.case} {run.purpose} {run.commit or ''}".casefold()
        return (
            self.case in ("", run.case)
            and self.status in ("", run.status)
            and all(word in words for word in self.text.casefold().split())
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """A store by its place."""

    place: str

    def summaries(self) -> tuple[RunSummary, ...]:
        """All runs, the newest first; none if there is no store yet.

        Raises:
            StoreError: it cannot be read.
        """
        if "://" not in self.place and not Path(self.place).exists():
            return ()
        with Store.open(self.place) as store:
            return store.runs()

    def summary(self, run_id: str) -> RunSummary:
        """The line of exactly that run; a beginning of its id is not enough.

        Raises:
            UsageError: there is none.
            StoreError: the store cannot be read.
        """
        for run in self.summaries():
            if run.id == run_id:
                return run
        raise UsageError("There is no such run in the store.")

    def record(self, run_id: str) -> RunRecord:
        """That run, whole.

        Raises:
            UsageError: there is none.
            StoreError: it cannot be read.
        """
        self.summary(run_id)
        with Store.open(self.place) as store:
            return store.load_run(run_id)
