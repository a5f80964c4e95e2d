"""Agents that run loads together: prepared, started at one instant, watched, and merged."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from syncline.agents.clock import Offset, Round, offset_of
from syncline.agents.cluster import Cluster, Place, connect
from syncline.agents.files import Sharing, for_agent, read_files
from syncline.agents.ledger import Ledger
from syncline.agents.merge import Part, merge
from syncline.agents.split import split
from syncline.agents.wire import decode, encode
from syncline.agents.work import network
from syncline.codec import to_json
from syncline.consent import ConsentError
from syncline.errors import MeasurementError, PlanError, UsageError
from syncline.outcome import Agent, Interrupted, LoadResult, Progress
from syncline.plan import OpenLoop, Plan

OnProgress = Callable[[Progress], None]

_ROUNDS = 12
# From the call to the common start: all agents must have heard of it by then.
_AHEAD_S = 0.5
_POLL_S = 0.2
_TICK_S = 0.1
# An agent that says nothing for so long is lost; it has then ended its load by its lease.
_SILENT_S = 10.0
_ANSWER_S = 60.0
_AFTER_STOP_S = 10.0


@dataclass(slots=True)
class _Member:
    """One agent as its driver knows it."""

    number: int
    handle: Any
    node: str = ""
    offset: Offset = Offset(0, 0)  # noqa: RUF009 - frozen
    call: Any = None
    asked_s: float = 0.0
    state: str = "idle"
    error: str | None = None
    lost_s: float | None = None


class Crew:
    """A number of agents on a connected cluster.

    Args:
        cluster: where they are placed.
        place: how many, and what is asked of the cluster.
        allowed: hosts that may be loaded though they are public; see :mod:`syncline.consent`.
        sharing: what becomes of data files.
        fewer: whether a load too small to be shared by all goes to some of them; by default it is
            refused.
    """

    def __init__(
        self,
        cluster: Cluster,
        place: Place,
        allowed: Sequence[str],
        sharing: Sharing,
        *,
        fewer: bool,
    ) -> None:
        self._cluster = cluster
        self._place = place
        self._allowed = list(allowed)
        self._sharing: Sharing = sharing
        self._fewer = fewer
        self._used = place.agents
        self._members: dict[int, _Member] = {}

    @property
    def processes(self) -> dict[int, int]:
        """The process of each agent that lives, by its number."""
        return {
            number: int(decode(self._ask(member, member.handle.hello.remote()))["pid"])
            for number, member in self._members.items()
        }

    def gather(self) -> None:
        """Starts the agents that are missing and checks who they are.

        Raises:
            MeasurementError: one does not start, or runs another version.
            UsageError: the cluster asks for no token.
        """
        missing = [n for n in range(self._place.agents) if n not in self._members]
        new = [_Member(number, self._cluster.start(number)) for number in missing]
        calls = [(member, member.handle.hello.remote()) for member in new]
        for member, call in calls:
            try:
                hello = decode(self._cluster.ask(call, self._place.wait_s))
            except MeasurementError as error:
                raise MeasurementError(f"Agent {member.number} does not start: {error}.") from None
            member.node = str(hello["node"])
            self._check(member, hello)
            self._members[member.number] = member

    def load(self, plan: Plan, on_progress: OnProgress | None = None) -> LoadResult:
        """Runs a load on all agents; the counterpart of :func:`syncline.engine.load`.

        Raises:
            PlanError: the plan cannot be meant, or cannot be shared by so many.
            UsageError: an agent refuses the target.
            MeasurementError: agents are missing before the start, or all were lost.
            Interrupted: Ctrl-C; carries the result so far.
        """
        self.gather()
        if self._fewer:
            most = min(plan.connections, plan.request_count or plan.connections)
            self._used = min(self._place.agents, most)
        shares = self._prepare(plan)
        start_ns = self._begin()
        ledger = Ledger()
        interrupted = False
        try:
            self._watch(ledger, start_ns, on_progress)
        except KeyboardInterrupt:
            interrupted = True
            self._stop(ledger, start_ns)
        except BaseException:
            self._stop(ledger, start_ns)
            raise
        result = self._merge(ledger, shares)
        if interrupted:
            raise Interrupted(result)
        return result

    def disband(self) -> None:
        """Ends all agents."""
        for member in self._members.values():
            self._cluster.end(member.handle)
        self._members.clear()

    def _check(self, member: _Member, hello: dict[str, Any]) -> None:
        who = f"Agent {member.number} ({member.node})"
        if hello["version"] != version("syncline"):
            raise MeasurementError(
                f"{who} runs Syncline {hello['version']}, this is {version('syncline')}: their "
                "figures would not be of one kind. Install the same version on every node."
            )
        if not hello["token"] and not self._place.insecure:
            raise UsageError(
                f"{who} is on a cluster without token authentication: everyone who reaches it can "
                "run programs on it. Start its nodes with RAY_AUTH_MODE=token, or add "
                "--insecure-cluster."
            )

    def _prepare(self, plan: Plan) -> list[float]:
        """Gives each agent its part; the shares of the whole."""
        loopback = _is_local(plan)
        parts = split(plan, self._used)
        contents = read_files(plan)
        calls = []
        for member, part in zip(self._ordered(), parts, strict=True):
            if loopback and self._elsewhere(member):
                raise UsageError(
                    f"{plan.target} is this machine only; on {member.node} it would be that "
                    "machine. Give an address that the agents reach."
                )
            files = for_agent(plan, contents, self._sharing, member.number, len(parts))
            message = encode(
                {
                    "plan": to_json(part),
                    "allowed": self._allowed,
                    "files": {p: base64.b64encode(data).decode() for p, data in files.items()},
                }
            )
            calls.append((member, member.handle.prepare.remote(message)))
        for member, call in calls:
            answer = decode(self._ask(member, call))
            if answer["error"] is not None:
                kind = {"ConsentError": ConsentError, "PlanError": PlanError}
                raise kind.get(answer["error"], UsageError)(str(answer["text"]))
        return [_share(plan, part, len(parts)) for part in parts]

    def _elsewhere(self, member: _Member) -> bool:
        hello = decode(self._ask(member, member.handle.hello.remote()))
        return bool(hello["network"] != network())

    def _begin(self) -> int:
        for member in self._ordered():
            member.offset = offset_of(self._round(member) for _ in range(_ROUNDS))
            member.state, member.error, member.lost_s, member.call = "ready", None, None, None
        start_ns = time.monotonic_ns() + round(_AHEAD_S * 1e9)
        for member in self._ordered():
            member.handle.begin.remote(start_ns + member.offset.ns)
        return start_ns

    def _round(self, member: _Member) -> Round:
        asked = time.monotonic_ns()
        there = int(self._ask(member, member.handle.clock.remote()))
        return Round(asked, there, time.monotonic_ns())

    def _watch(self, ledger: Ledger, start_ns: int, on_progress: OnProgress | None) -> None:
        """Asks each agent how it goes until all have ended or are lost."""
        while active := [m for m in self._ordered() if m.lost_s is None and m.state != "told"]:
            now_s = time.monotonic()
            for member in active:
                if member.call is None and now_s - member.asked_s >= _POLL_S:
                    ended = member.state == "ended"
                    ask = member.handle.result if ended else member.handle.poll
                    member.call, member.asked_s = ask.remote(), now_s
            calls = [member.call for member in active if member.call is not None]
            ready = self._cluster.ready(calls, _TICK_S) if calls else []
            if not calls:
                time.sleep(_TICK_S / 2)  # nothing is due: the next question is a moment away
            for member in active:
                if member.call in ready:
                    self._hear(member, ledger, start_ns)
                elif member.call is not None and now_s - member.asked_s > _SILENT_S:
                    self._lose(member, start_ns)
            progress = ledger.progress()
            if on_progress is not None and progress is not None:
                on_progress(progress)

    def _hear(self, member: _Member, ledger: Ledger, start_ns: int) -> None:
        call, member.call = member.call, None
        try:
            message = decode(self._cluster.ask(call, _TICK_S))
        except MeasurementError:
            self._lose(member, start_ns)
            return
        ledger.take(message)
        member.state = str(message.get("state", "told"))
        if member.state == "told":
            member.error = message.get("error")

    def _lose(self, member: _Member, start_ns: int) -> None:
        """An agent is gone; its part of the load is not given to others."""
        member.lost_s = max(0.0, (time.monotonic_ns() - start_ns) / 1e9)
        self._cluster.end(member.handle)

    def _stop(self, ledger: Ledger, start_ns: int) -> None:
        """Ends the load everywhere and hears what came of it."""
        for member in self._ordered():
            member.handle.stop.remote()
        until_s = time.monotonic() + _AFTER_STOP_S

        def in_time(_progress: Progress) -> None:
            if time.monotonic() > until_s:
                raise MeasurementError("agents did not end in time")

        with contextlib.suppress(MeasurementError):
            self._watch(ledger, start_ns, in_time)

    def _merge(self, ledger: Ledger, shares: Sequence[float]) -> LoadResult:
        parts, lost, errors = [], [], []
        for member, share in zip(self._ordered(), shares, strict=True):
            agent = _agent(member, share, ledger.glances.get(member.number))
            result = ledger.results.get(member.number)
            if result is not None:
                start_ns = (result.started_monotonic_ns or 0) - member.offset.ns
                parts.append(Part(agent, start_ns, result))
            else:
                errors += [f"agent {member.number}: {member.error}"] if member.error else []
                lost.append(replace(agent, lost_s=member.lost_s or 0.0))
        for agent in lost:
            gone = self._members.pop(agent.number)
            self._cluster.end(gone.handle)
        if errors and not parts:
            raise MeasurementError(f"No agent could run the load; {errors[0]}.")
        return merge(parts, lost)

    def _ordered(self) -> list[_Member]:
        """Those that have a part in the load."""
        return [self._members[number] for number in sorted(self._members)][: self._used]

    def _ask(self, member: _Member, call: Any) -> Any:
        try:
            return self._cluster.ask(call, _ANSWER_S)
        except MeasurementError as error:
            self._members.pop(member.number, None)
            raise MeasurementError(
                f"Agent {member.number} ({member.node}) was lost before the start: {error}."
            ) from None


@contextlib.contextmanager
def gathered(
    place: Place,
    *,
    cores: int = 1,
    allowed: Sequence[str] = (),
    sharing: Sharing = "shared",
    fewer: bool = False,
) -> Iterator[Crew]:
    """Agents for any number of loads; all is released at the end. Errors: see :class:`Crew`."""
    with connect(place, cores) as cluster:
        crew = Crew(cluster, place, allowed, sharing, fewer=fewer)
        try:
            crew.gather()
            yield crew
        finally:
            crew.disband()


def _share(plan: Plan, part: Plan, agents: int) -> float:
    """The part of the whole load: of its requests if they are counted or planned."""
    if plan.request_count and part.request_count:
        return part.request_count / plan.request_count
    if isinstance(plan.schedule, OpenLoop):
        return 1 / agents
    return part.connections / plan.connections


def _agent(member: _Member, share: float, glance: Progress | None) -> Agent:
    ended = (glance.ok, glance.failed, glance.timed_out) if glance else (0, 0, 0)
    return Agent(
        number=member.number,
        node=member.node,
        share=share,
        late_s=0.0,
        clock_error_s=member.offset.error_ns / 1e9,
        planned=None,
        started=sum(ended) + (glance.in_flight if glance else 0),
        ok=ended[0],
        failed=ended[1],
        timed_out=ended[2],
        cpu_share=None,
        late_p99_us=None,
        unsent=None,
        bottleneck=None,
    )


def _is_local(plan: Plan) -> bool:
    """Whether the target is another one on each machine."""
    if plan.target.startswith("unix://"):
        return True
    host = urlsplit(plan.target).hostname or ""
    return any(
        name == "localhost" or name.startswith("127.") or name in ("::1", "0.0.0.0", "::")  # noqa: S104
        for name in (host, *plan.addresses)
    )
