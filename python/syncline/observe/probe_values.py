"""What the reader of the probes gives, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ProbeEvent:
    """Something that happened in a process.

    Attributes:
        name: ``loop-blocked``, ``hook-failed``, …
        t_s: when it was told, seconds since the load began.
        fields: what else is known; places in code are ``[file, line, function]``.
    """

    name: str
    t_s: float
    pid: int
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProbeStacks:
    """Where a process's threads stand and what its tasks wait for, the innermost frame first.

    Attributes:
        reason: ``asked``, or what the probe itself noticed: ``no request ended for 1.0 s``.
        content: ``threads``, ``tasks`` and ``requests``, each a list of groups that stand alike:
            ``count``, some ``names``, ``stack``; where they await, ``waits_on``; of requests
            ``route`` and ``holds``, the number of connections each holds.
    """

    t_s: float
    pid: int
    reason: str
    content: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ProbeProcess:
    """A process in which a probe is or was.

    Attributes:
        served: whether it has had requests; a supervisor has none.
        alive: whether its probe is still connected.
        settings: what was found set: pool sizes, thread tokens, workers, loops.
    """

    pid: int
    ppid: int
    argv: tuple[str, ...]
    python: str
    versions: Mapping[str, str]
    served: bool = False
    alive: bool = True
    settings: Mapping[str, object] = field(default_factory=dict)
