"""Trials by name: what --include and --exclude speak of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from syncline.errors import UsageError
from syncline.plan import OpenLoop
from syncline.trial import Experiment, Trial

_SHOWN = 12


def trial_name(trial: Trial) -> str:
    """``sync/read/48``: variant, load, connections; in open loop its rate, ``put/64@2000``."""
    load = trial.load
    name = f"{trial.variant.name}/{load.name}/{load.connections}"
    if isinstance(load.schedule, OpenLoop):
        ends = [end for phase in load.schedule.phases for end in (phase.from_rps, phase.to_rps)]
        name += f"@{max(ends):g}"
    return name


def selected(
    experiment: Experiment, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Experiment:
    """The experiment with only those trials whose names fit.

    A pattern has ``*``, ``?`` and ``[…]`` as a shell has them. One with a ``/`` is matched with
    the whole name (:func:`trial_name`), another with each of its parts: ``async*``, ``48``.

    Args:
        include: what may stay; empty means everything.
        exclude: what goes, of that.

    Raises:
        UsageError: a pattern fits nothing, or nothing is left.
    """
    names = [trial_name(trial) for trial in experiment.trials]
    for option, patterns in (("--include", include), ("--exclude", exclude)):
        for pattern in patterns:
            if not any(_fits(name, pattern) for name in names):
                raise UsageError(f"{option} {pattern} fits no trial; there are: {_list(names)}.")
    left = tuple(
        trial
        for trial, name in zip(experiment.trials, names, strict=True)
        if (not include or any(_fits(name, pattern) for pattern in include))
        and not any(_fits(name, pattern) for pattern in exclude)
    )
    if not left:
        raise UsageError("--include and --exclude together leave no trial; change one of them.")
    return replace(experiment, trials=left)


def _fits(name: str, pattern: str) -> bool:
    if "/" in pattern:
        return fnmatchcase(name, pattern)
    return any(fnmatchcase(part, pattern) for part in name.split("/"))


def _list(names: Sequence[str]) -> str:
    known = list(dict.fromkeys(names))
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return ", ".join(known[:_SHOWN]) + more
