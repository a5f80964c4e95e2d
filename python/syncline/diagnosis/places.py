"""Where in the service's own code: what requests stood in, who holds a connection, and efforts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from syncline.diagnosis import names
from syncline.diagnosis.view import View, number, place, text

_STANDS_OUT = 0.2  # of the requests inside
_LOOKS = 4.0  # of which a share means something


@dataclass(frozen=True, slots=True)
class Standing:
    """Where requests stood while the load lasted, by looks at them a few times a second.

    Attributes:
        what: they waited for: ``lock``, ``upstream``, ``statement``, ``pool``, ``other`` …
        place: in the service's own code, as ``file:line in function``.
        share: of the requests inside, on the mean.
    """

    what: str
    place: str
    share: float


def stands(view: View, *what: str) -> tuple[Standing, ...]:
    """Where requests stood, most first; of these kinds, or of all."""
    rows = view.rows(names.STANDING)
    looks = {
        row.get("pid"): since(row, "count") for row in rows if text(row, "standing") == "looks"
    }
    inside = view.mean(names.REQUESTS_INSIDE)
    if not inside:
        return ()
    found: dict[tuple[str, str], float] = {}
    for row in rows:
        kind, looked = text(row, "what"), looks.get(row.get("pid")) or 0.0
        if looked >= _LOOKS and kind and (not what or kind in what):
            key = kind, place(row, "place")
            found[key] = found.get(key, 0.0) + since(row, "count") / looked / inside
    each = (Standing(kind, where, min(1.0, share)) for (kind, where), share in found.items())
    return tuple(sorted(each, key=lambda one: (-one.share, one.place)))


def at_place(view: View, *what: str) -> str:
    """`` (file:line in function)`` of where most requests stood; empty if no place stands out."""
    first = next(iter(stands(view, *what)), None)
    return f" ({first.place})" if first is not None and first.share >= _STANDS_OUT else ""


def taken_at(view: View, which: str) -> str:
    """The same of where the service's code took the connection that a pool's row tells of.

    Args:
        which: ``held_longest`` or ``held_oldest``.
    """
    best, where = 0.0, ""
    for row in view.rows(names.POOL):
        hold = row.get(which)
        if not isinstance(hold, Mapping):
            continue
        site, held_s = hold.get("site"), number(hold, "held_s") or 0.0
        if isinstance(site, list | tuple) and site and held_s > best:
            best, where = held_s, place({"where": site[0]})
    return f" ({where})" if where else ""


def since(row: Mapping[str, object], name: str) -> float:
    """How much a row's number grew in the load: rows count from the process's start."""
    before = row.get("before")
    start = number(before, name) if isinstance(before, Mapping) else None
    return max(0.0, (number(row, name) or 0.0) - (start or 0.0))


def effort_share(view: View, name: str) -> float | None:
    """The share that a kind of work has in the service's CPU."""
    spent, cores = view.growth(name), view.mean(names.CPU_CORES)
    points = view.points(name)
    if spent is None or not cores:
        return None
    return spent / (cores * max(0.1, points[-1][0] - points[0][0]))
