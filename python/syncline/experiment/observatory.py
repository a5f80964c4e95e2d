"""The observers of a run: back ends' from their start on, services' around each load."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from syncline.backends import Backend
from syncline.experiment.observing import Inside, Observatory, OpenObservatory, Seen, Watch
from syncline.experiment.probing import Probe, ProbeWatch
from syncline.launch import External, Service
from syncline.observe import (
    Blind,
    MariaDb,
    Observer,
    Postgres,
    Server,
    Tree,
    Valkey,
    Watcher,
    derive,
    others_share,
    outside,
)
from syncline.observe.probe import ProbeReader
from syncline.outcome import LoadResult, Observation, Progress
from syncline.process import Workspace

# By URL, and whether the server is ours.
_DATABASES: Mapping[str, Callable[[str, bool], Observer]] = {
    "postgres": lambda url, _ours: Postgres(url),
    "mariadb": lambda url, ours: MariaDb(url, makes_room=ours),
    "valkey": lambda url, _ours: Valkey(url),
}


def open_observatory(*, probe: bool = True) -> OpenObservatory:
    """How the observatory of a run is opened.

    Args:
        probe: whether services are started with the probe inside.
    """

    def opened(workspace: Workspace) -> Observatory:
        return _Observatory((lambda: ProbeReader(workspace.path)) if probe else None)

    return opened


class _BackendEyes:
    """The observers of one back end: its database's own connection is opened here, early."""

    def __init__(self, backend: Backend) -> None:
        self.observers: list[Observer] = []
        self.notes: list[Observation] = []
        if backend.child is not None:
            self.observers.append(Server(backend.name, Tree(backend.pids)))
        watch = _DATABASES.get(backend.name)
        if watch is None:
            return
        for url in dict.fromkeys(filter(None, (backend.admin_url, backend.url))):
            try:
                self.observers.append(watch(url, backend.child is not None))
            except Blind as reason:
                note = Observation(backend.name, "note", str(reason))
            else:
                return
        self.notes.append(note)

    def drop(self, observer: Observer, reason: str) -> None:
        """It failed; later trials are told so, too."""
        if observer in self.observers:
            self.observers.remove(observer)
            self.notes.append(Observation(observer.name, "note", reason))
            observer.close()

    def close(self) -> None:
        for observer in self.observers:
            observer.close()


class _Observatory:
    """See :class:`Observatory`."""

    def __init__(self, open_probe: Callable[[], Probe] | None) -> None:
        self._open_probe = open_probe
        self._backends: dict[str, _BackendEyes] = {}
        self._probes: dict[str, Probe] = {}
        self._why_no_probe = "" if open_probe else "The probe was not asked for (--no-probe)."

    def see_backend(self, key: str, backend: object) -> None:
        if isinstance(backend, Backend):
            self._backends[key] = _BackendEyes(backend)

    def service_env(self, key: str, env: Mapping[str, str]) -> Mapping[str, str]:
        self.forget_service(key)
        if self._open_probe is None:
            return {}
        try:
            probe = self._open_probe()
        except OSError as error:
            self._why_no_probe = f"The probe's socket could not be opened: {error.strerror}."
            return {}
        self._probes[key] = probe
        return probe.env(env if "PYTHONPATH" in env else None)

    def forget_service(self, key: str) -> None:
        if probe := self._probes.pop(key, None):
            with contextlib.suppress(OSError):
                probe.close()

    def watch(self, key: str, service: object, backends: tuple[str, ...]) -> Watch:
        eyes = [self._backends[name] for name in backends if name in self._backends]
        url = service.url if isinstance(service, Service | External) else ""
        pids = service.pids if isinstance(service, Service) else None
        if isinstance(service, External) and service.is_seen:
            pids = service.pids
        inside = ProbeWatch(self._probes.get(key), self._why_no_probe)
        return _Watch(url, pids, eyes, inside)

    def inside(self, key: str) -> Inside | None:
        return self._probes.get(key)

    def close(self) -> None:
        for key in list(self._probes):
            self.forget_service(key)
        for eyes in self._backends.values():
            eyes.close()


class _Watch:
    """See :class:`Watch`."""

    def __init__(
        self,
        url: str,
        pids: Callable[[], tuple[int, ...]] | None,
        backends: list[_BackendEyes],
        inside: ProbeWatch,
    ) -> None:
        self._service = outside(url, pids)
        self._backends = backends
        # Taken now: what fails during this trial is told by the watcher itself.
        self._notes = [*self._service.notes, *(note for eyes in backends for note in eyes.notes)]
        of_backends = [observer for eyes in backends for observer in eyes.observers]
        self._watcher = Watcher([*self._service.observers, *of_backends])
        self._inside = inside
        self._began_ns = 0

    def __enter__(self) -> Self:
        self._watcher.start()
        self._began_ns = time.monotonic_ns()
        self._inside.begin(self._began_ns)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._watcher.stop()
        for observer in self._service.observers:
            observer.close()

    def glance(self, progress: Progress) -> Mapping[str, float]:
        return {**self._watcher.latest(), **self._inside.glance(progress)}

    def seen(self, result: LoadResult) -> Seen:
        origin_ns = result.started_monotonic_ns or self._began_ns
        watched = self._watcher.watched(origin_ns)
        for removed in watched.removed:
            for eyes in self._backends:
                eyes.drop(removed.observer, removed.reason)
        inside = self._inside.seen(origin_ns)
        series = {**watched.series, **inside.series}
        series |= derive(series, result.intervals)
        series |= others_share(series)
        notes = (*self._notes, *watched.observations, *inside.observations)
        return Seen(dict(sorted(series.items())), notes)
