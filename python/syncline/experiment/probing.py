"""What the probe told of one trial, as series and observations."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from syncline.experiment.observing import Seen
from syncline.mask import mask
from syncline.outcome import Observation, Progress, Series
from syncline.whatif import KIND

# A load without answers for so long may be hanging: this is when stacks tell most.
_SILENT_S = 1.0
_EVENTS_EACH = 50
_ROWS = 100
_LATEST_EVERY_S = 0.5
# The probe tells what it is set to once a second.
_WHAT_IFS_S = 1.5


class Probe(Protocol):
    """What is asked of :class:`syncline.observe.probe.ProbeReader`."""

    def env(self, base: Mapping[str, str] | None = None) -> dict[str, str]: ...
    def mark(self, start_monotonic_ns: int) -> None: ...
    def series(self) -> dict[str, Series]: ...
    def events(self) -> tuple[Any, ...]: ...
    def settings(self) -> dict[str, object]: ...
    def processes(self) -> tuple[Any, ...]: ...
    def summaries(self) -> dict[int, dict[str, object]]: ...
    def stacks(self) -> tuple[Any, ...]: ...
    def request_stacks(self, timeout_s: float = 1.0) -> tuple[Any, ...]: ...
    def ask(self, line: bytes) -> int: ...
    def close(self) -> None: ...


class ProbeWatch:
    """Watches one trial through the service's probe.

    Args:
        probe: None if there is none; ``why`` says it in a sentence.
    """

    def __init__(self, probe: Probe | None, why: str) -> None:
        self._probe = probe
        self._why = why
        self._before: dict[int, dict[str, object]] = {}
        self._answered = -1
        self._answered_at_s = 0.0
        self._asked = False
        self._latest: dict[str, float] = {}
        self._latest_at_s = -1e9

    def begin(self, at_ns: int) -> None:
        """A load is about to begin."""
        if self._probe is not None:
            self._before = self._probe.summaries()
            self._probe.mark(at_ns)

    def glance(self, progress: Progress) -> Mapping[str, float]:
        """The newest values. Where answers stay away, asks once where the service stands."""
        if self._probe is None:
            return {}
        ended = progress.ok + progress.failed
        if ended != self._answered or not progress.in_flight:
            self._answered, self._answered_at_s = ended, progress.elapsed_s
        elif not self._asked and progress.elapsed_s - self._answered_at_s >= _SILENT_S:
            self._asked = True
            # Not waited for: who shows the progress has other things to do.
            threading.Thread(target=self._probe.request_stacks, daemon=True).start()
        if progress.elapsed_s - self._latest_at_s >= _LATEST_EVERY_S:
            self._latest_at_s = progress.elapsed_s
            self._latest = {
                name: series.value[-1]
                for name, series in self._probe.series().items()
                if series.value and series.value[-1] is not None
            }
        return self._latest

    def seen(self, origin_ns: int) -> Seen:
        """What was seen since the load began at that instant."""
        probe = self._probe
        if probe is None:
            return Seen({}, (Observation("probe", "note", self._why),))
        probe.mark(origin_ns)
        if not probe.processes():
            text = (
                "No probe was heard: the service is not Python, or its start keeps "
                "sitecustomize out; nothing from inside it can be seen."
            )
            return Seen({}, (Observation("probe", "note", text),))
        found = [
            *what_if_observations(probe),
            *_settings(probe),
            *_events(probe.events()),
            *_rows(self._before, probe.summaries()),
            *_stacks(probe.stacks()),
        ]
        return Seen(probe.series(), tuple(found))


def what_if_observations(probe: Probe, *, expected: bool = False) -> list[Observation]:
    """What came of each what-if in each process that serves, once all is told or time is up.

    Args:
        expected: whether nothing at all is an answer that has not come yet.
    """
    deadline = time.monotonic() + _WHAT_IFS_S
    while True:
        found = [
            (one.pid, name, row)
            for one in probe.processes()
            if one.served
            for name, row in _rows_of(one.settings.get("what_ifs"))
        ]
        untold = any(row.get("imposed") is None for _, _, row in found)
        if not untold and (found or not expected):
            break
        if time.monotonic() >= deadline:
            break
        time.sleep(0.05)
    return [
        Observation(
            "probe",
            KIND,
            _what_if_text(pid, name, row),
            data=_clean({"name": name, "pid": pid, **row}),
        )
        for pid, name, row in found
    ]


def _rows_of(value: object) -> list[tuple[str, Mapping[str, object]]]:
    table = value.items() if isinstance(value, Mapping) else ()
    return [(str(name), row) for name, row in table if isinstance(row, Mapping)]


def _what_if_text(pid: int, name: str, row: Mapping[str, object]) -> str:
    what = f"{name}={row.get('value')}"
    if not row.get("imposed"):
        return f"{what} was not imposed in process {pid}: {row.get('why')}."
    was = f", where it was {row['old']}" if row.get("old") is not None else ""
    return f"{what} was imposed in process {pid}{was}."


def _settings(probe: Probe) -> list[Observation]:
    found = []
    settings = probe.settings()
    if settings:
        text = "The service was found set to: " + ", ".join(sorted(settings)) + "."
        found.append(Observation("probe", "settings", text, data=_clean(settings)))
    for one in probe.processes():
        role = "serves" if one.served else "serves no requests"
        data = {
            "pid": one.pid,
            "ppid": one.ppid,
            "served": one.served,
            "alive": one.alive,
            "python": one.python,
            "versions": dict(one.versions),
        }
        text = f"Process {one.pid} {role}, on Python {one.python}."
        found.append(Observation("probe", "python-process", text, data=data))
    return found


def _events(events: tuple[Any, ...]) -> list[Observation]:
    """The first ones of each name, and how many more there were."""
    counts: Counter[str] = Counter()
    found = []
    for event in events:
        counts[event.name] += 1
        if counts[event.name] <= _EVENTS_EACH:
            data = _clean({"pid": event.pid, **event.fields})
            text = f"{event.name} in process {event.pid}"
            found.append(Observation("probe", event.name, text, round(event.t_s, 3), data))
    for name, count in sorted(counts.items()):
        if count > _EVENTS_EACH:
            text = f"{count - _EVENTS_EACH} more events {name} are left out."
            found.append(Observation("probe", "note", text, data={"event": name, "count": count}))
    return found


def _rows(
    before: Mapping[int, Mapping[str, object]], after: Mapping[int, Mapping[str, object]]
) -> list[Observation]:
    """A summary's rows (``routes``, ``pools``) as one observation each: ``route``, ``pool``.

    Beside the row, which counts from the process's start, its data hold in ``before`` the same
    row as it was when the load began, or None.
    """
    found = []
    for pid, tables in sorted(after.items()):
        for table, rows in sorted(tables.items()):
            if not isinstance(rows, list):
                continue
            kind = table.removesuffix("s")
            old = _by_name(before.get(pid, {}).get(table), kind)
            for row in rows[:_ROWS]:
                if isinstance(row, dict):
                    name = str(row.get(kind) or row.get("name") or "")
                    data = _clean({**row, "pid": pid, "before": old.get(name)})
                    text = f"{kind} {name} of process {pid}"
                    found.append(Observation("probe", kind, mask(text), data=data))
    return found


def _by_name(rows: object, kind: str) -> dict[str, object]:
    kept = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return {str(row.get(kind) or row.get("name") or ""): row for row in kept}


def _stacks(stacks: tuple[Any, ...]) -> list[Observation]:
    return [
        Observation(
            "probe",
            "stacks",
            f"Where the threads and tasks of process {one.pid} stood ({one.reason}).",
            round(one.t_s, 3),
            _clean({"pid": one.pid, **one.content}),
        )
        for one in stacks
    ]


def _clean(value: Mapping[str, object]) -> dict[str, object]:
    """Without secrets, and without what JSON has no form for."""
    return {str(key): _clean_value(item) for key, item in value.items()}


def _clean_value(value: object) -> object:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return _clean(value)
    if isinstance(value, list | tuple):
        return [_clean_value(item) for item in value]
    if isinstance(value, float):
        return value if value - value == 0 else None  # neither NaN nor infinite
    return value if value is None or isinstance(value, int) else str(value)
