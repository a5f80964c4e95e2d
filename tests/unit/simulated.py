"""Services that are simulated: queues with known behaviour, for searches to be tried on."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeVar

from syncline.outcome import LoadResult, Outcome
from syncline.plan import OpenLoop
from syncline.search import Measured, Search
from syncline.trial import Trial
from tests.unit import factories as make

T = TypeVar("T")


@cache
def plain() -> LoadResult:
    """A good result that others are made of; its histograms are not looked at."""
    return make.load_result(latencies=[1000] * 100, intervals=())


@cache
def stuck() -> Outcome:
    """Of a service that stopped to answer."""
    return make.outcome(make.hung_result())


@dataclass(frozen=True, slots=True)
class Queue:
    """``servers`` that each take an exponential time per request, and now and then a disturbance.

    Attributes:
        service_s: the mean.
        disturbed: the chance that something holds all up for a while in a window.
        breaks_at: with so many inside at once it answers nothing more.
    """

    servers: int = 2
    service_s: float = 0.01
    disturbed: float = 0.0
    breaks_at: int | None = None

    @property
    def most_rps(self) -> float:
        """What it can serve at most."""
        return self.servers / self.service_s

    def outcome(self, trial: Trial) -> Outcome:
        """What a trial on it leaves."""
        chance = random.Random(f"{trial.seed} {trial.repeat} {trial.load.connections}")
        load, schedule = trial.load, trial.load.schedule
        if isinstance(schedule, OpenLoop):
            return self._open(chance, schedule.phases[0].from_rps, load.duration_s, load.warmup_s)
        level = load.connections
        if self.breaks_at is not None and level >= self.breaks_at:
            return stuck()
        rate = min(level / self.service_s, self.most_rps) * chance.gauss(1.0, 0.02)
        return make.outcome(replace(plain(), throughput_rps=rate, duration_s=load.duration_s))

    def _open(
        self, chance: random.Random, rate: float, duration_s: float, warm_s: float
    ) -> Outcome:
        held_from = chance.uniform(0, duration_s) if chance.random() < self.disturbed else None
        free = [0.0] * self.servers
        times, unanswered, planned = [], 0, round(rate * duration_s)
        ends: list[float] = []
        for number in range(planned):
            at = number / rate
            start = max(at, heapq.heappop(free))
            if held_from is not None and held_from <= start < held_from + 0.4:
                start = held_from + 0.4
            end = start + chance.expovariate(1 / self.service_s)
            heapq.heappush(free, end)
            while ends and ends[0] <= at:
                heapq.heappop(ends)
            heapq.heappush(ends, end)
            if self.breaks_at is not None and len(ends) >= self.breaks_at:
                return stuck()
            if end > duration_s:
                unanswered += 1
            elif end > warm_s:
                times.append((end - at) * 1e6)
        if not times:
            return stuck()
        return make.outcome(
            replace(
                plain(),
                planned=planned,
                ok=len(times),
                in_flight=unanswered,
                duration_s=duration_s - warm_s,
                throughput_rps=len(times) / (duration_s - warm_s),
                service_time_us=make.quantiles([self.service_s * 1e6]),
                response_time_us=make.quantiles(times),
            )
        )


def finish(search: Search[T], answer: Callable[[Trial], Outcome]) -> tuple[T, Measured]:
    """Runs a search to its end on simulated services; what it returned and all trials."""
    measured: Measured = ()
    answers: Measured | None = None
    while True:
        try:
            wanted = next(search) if answers is None else search.send(answers)
        except StopIteration as end:
            result: T = end.value
            return result, measured
        answers = tuple((trial, answer(trial)) for trial in wanted.trials)
        measured += answers
