"""How long trials take, before any of them ran."""

from __future__ import annotations

from collections.abc import Iterable

from syncline.trial import Trial

# What came beside the load on a small machine; the run itself corrects it as it goes.
TRIAL_S = 0.5  # observers start and stop, the service comes to rest
START_S = 1.5  # a service from its start to its first answer
BACKEND_S = 5.0  # a database server, and filling it


def time_s(trials: Iterable[Trial], *, fresh: bool = False, backends: int = 0) -> float:
    """The time of a run in seconds.

    Args:
        fresh: whether services are started afresh in each round.
        backends: how many back ends the case starts.
    """
    listed = tuple(trials)
    services = {(trial.variant.name, trial.repeat if fresh else 0) for trial in listed}
    loads_s = sum(trial.load.duration_s for trial in listed)
    return loads_s + TRIAL_S * len(listed) + START_S * len(services) + BACKEND_S * backends
