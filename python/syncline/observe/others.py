"""What of the machine went to neither the service, nor its back ends, nor Syncline."""

from __future__ import annotations

import os
from collections.abc import Mapping

from syncline.observe.derive import at_instant
from syncline.observe.track import compact
from syncline.outcome import Series

_SERVERS = ("postgres.cpu_cores", "mariadb.cpu_cores", "valkey.cpu_cores")


def others_share(series: Mapping[str, Series], cores: int | None = None) -> dict[str, Series]:
    """``machine.others_share`` at the instants of ``machine.cpu_share``; empty if not to be told.

    A user's own database on this machine is among the others: Syncline does not know its
    processes.

    Args:
        cores: of the whole machine, which is what ``/proc/stat`` counts.
    """
    whole, service = series.get("machine.cpu_share"), series.get("process.cpu_cores")
    if whole is None or service is None:
        return {}
    count = cores or os.cpu_count() or 1
    ours = [service]
    ours += [found for name in _SERVERS if (found := series.get(name)) is not None]
    own = series.get("machine.syncline_cores")
    values: list[float | None] = []
    for place, (t_s, busy) in enumerate(zip(whole.t_s, whole.value, strict=True)):
        parts = [at_instant(one, t_s) for one in ours]
        parts.append(own.value[place] if own is not None and place < len(own.value) else 0.0)
        known = [part for part in parts if part is not None]
        if busy is None or len(known) < len(parts):
            values.append(None)
        else:
            values.append(compact(max(0.0, busy - sum(known) / count)))
    return {"machine.others_share": Series("share", whole.t_s, tuple(values))}
