"""The same load from several machines, on Ray: :func:`load` for one, :func:`gathered` for many.

A plan is split for the agents (:mod:`~syncline.agents.split`), each runs its part on its machine
(:mod:`~syncline.agents.work`), and their results are merged (:mod:`~syncline.agents.merge`) into
one that nothing above can tell from the engine's, but for its list of agents.
"""

from __future__ import annotations

from collections.abc import Sequence

from syncline.agents.cluster import Place
from syncline.agents.crew import Crew, OnProgress, gathered
from syncline.outcome import LoadResult
from syncline.plan import Plan

__all__ = ["Crew", "Place", "gathered", "load"]


def load(
    plan: Plan,
    on_progress: OnProgress | None = None,
    *,
    place: Place,
    allowed: Sequence[str] = (),
) -> LoadResult:
    """Runs one load on agents; :func:`syncline.engine.load` from elsewhere.

    Args:
        plan: the whole load.
        on_progress: called several times a second, with all agents at a glance.
        place: the cluster, and how many agents.
        allowed: public hosts that may be loaded.

    Raises:
        SynclineError: see :func:`gathered` and :meth:`Crew.load`.
    """
    with gathered(place, cores=plan.threads, allowed=allowed) as crew:
        return crew.load(plan, on_progress)
