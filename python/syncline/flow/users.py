"""Virtual users of one helper process: threads that go through a flow again and again."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from random import Random
from time import monotonic_ns

from syncline.flow.client import Answer, Client, ExchangeError
from syncline.flow.pace import instants
from syncline.flow.tally import Tally
from syncline.flow.values import Flow, Response, Step, StepFailed, User
from syncline.plan import OpenLoop, Plan

_NS = 1_000_000_000
# After an error users wait this long: a server that refuses at once is not hammered.
_BACK_OFF_S = 0.05
# An instant that is claimed at most this much after its time found a user free.
_FREE_NS = 1_000_000


class Turns:
    """Planned instants of this process, each given to one user; None in closed loop."""

    def __init__(self, plan: Plan, process: int) -> None:
        self._lock = threading.Lock()
        schedule = plan.schedule
        self._source: Iterator[float] | None = None
        if isinstance(schedule, OpenLoop):
            self._source = (
                at
                for number, at in enumerate(instants(schedule, plan.seed))
                if number % plan.threads == process
            )

    @property
    def open(self) -> bool:
        """Whether there are planned instants."""
        return self._source is not None

    def claim(self) -> int | None:
        """The next one, in nanoseconds since the load's start; None if none is left."""
        with self._lock:
            at_s = next(self._source, None) if self._source is not None else None
            return None if at_s is None else int(at_s * _NS)


class Crowd:
    """The users of one process.

    Args:
        begin: makes the generator of one flow.
        start_ns: the load's start on CLOCK_MONOTONIC.
    """

    def __init__(
        self,
        plan: Plan,
        process: int,
        begin: Callable[[User], Flow],
        tally: Tally,
        start_ns: int,
    ) -> None:
        self._plan = plan
        self._begin = begin
        self._tally = tally
        self._start_ns = start_ns
        self.turns = Turns(plan, process)
        self._over = threading.Event()
        self._numbers = range(process, plan.connections, plan.threads)
        self._left = _share(plan.request_count, plan.threads, process)
        self._left_lock = threading.Lock()
        self.clients = [Client(plan) for _ in self._numbers]
        self.served = [0] * len(self._numbers)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Starts them all; they are daemons, since a load never waits for an answer."""
        for place, number in enumerate(self._numbers):
            thread = threading.Thread(target=self._live, args=(place, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Lets them end after their request in hand."""
        self._over.set()

    @property
    def done(self) -> bool:
        """Whether every user has ended."""
        return not any(thread.is_alive() for thread in self._threads)

    def _now_ns(self) -> int:
        return monotonic_ns() - self._start_ns

    def _live(self, place: int, number: int) -> None:
        user = User(number, Random(f"{self._plan.seed}:{number}"))
        self._over.wait(max(0.0, -self._now_ns() / _NS))
        while not (user.done or self._all_sent() or self._over.is_set()):
            planned_ns = self._next_turn() if self.turns.open else None
            if self._over.is_set() or (self.turns.open and planned_ns is None):
                return
            if not self._go_through(place, user, planned_ns):
                self._over.wait(_BACK_OFF_S)
            user.round += 1
            self.clients[place].forget_cookies()

    def _next_turn(self) -> int | None:
        planned_ns = self.turns.claim()
        if planned_ns is None:
            return None
        wait_ns = planned_ns - self._now_ns()
        if wait_ns > 0:
            self._over.wait(wait_ns / _NS)
        if not self._over.is_set():
            self._tally.planned(planned_ns)
            if wait_ns > -_FREE_NS:
                self._tally.late(planned_ns, self._now_ns() - planned_ns)
        return planned_ns

    def _go_through(self, place: int, user: User, planned_ns: int | None) -> bool:
        """One flow from its first step to its end; whether it succeeded."""
        began_ns = self._now_ns()
        kind: str | None = None
        sample = ""
        flow: Flow | None = None
        try:
            flow = self._begin(user)
            step = next(flow)
            while self._may_send(step):
                try:
                    response = self._send(place, step, planned_ns)
                except StepFailed as failure:
                    step = flow.throw(failure)
                else:
                    step = flow.send(response)
                # A step after the first is planned for when the flow reaches it.
                planned_ns = None
            flow.close()
            return True
        except StopIteration:
            pass
        except StepFailed as error:
            kind = error.kind
        except Exception as error:  # noqa: BLE001 -- the scenario is the user's code
            kind, sample = "flow-error", _where(error)
        now_ns = self._now_ns()
        self._tally.flow_ended(now_ns, kind, now_ns - began_ns, sample)
        return kind is None

    def _all_sent(self) -> bool:
        return self._left is not None and self._left <= 0

    def _may_send(self, step: Step) -> bool:
        """Waits as the step and the plan say; False if the load is over or all are sent."""
        if not isinstance(step, Step):
            raise TypeError(f"a flow must yield Step, not {type(step).__name__}")
        think_s = getattr(self._plan.schedule, "think_time_s", 0.0)
        if step.pause_s + think_s > 0:
            self._over.wait(step.pause_s + think_s)
        if self._over.is_set():
            return False
        if self._left is None:
            return True
        with self._left_lock:
            self._left -= 1
            return self._left >= 0  # below, every user ends: see _all_sent

    def _send(self, place: int, step: Step, planned_ns: int | None) -> Response:
        client = self.clients[place]
        body = step.payload
        headers = [(name, str(value)) for name, value in step.headers.items()]
        own = {name.lower() for name, _ in headers}
        headers += [pair for pair in self._plan.requests[0].headers if pair[0].lower() not in own]
        if step.json is not None and not any(k.lower() == "content-type" for k, _ in headers):
            headers.append(("Content-Type", "application/json"))
        began_ns = self._now_ns()
        if self.turns.open and planned_ns is None:
            planned_ns = began_ns
            self._tally.planned(began_ns)
        self._tally.began(place, began_ns)
        answer: Answer | None = None
        kind: str | None = None
        sample, sent = "", True
        try:
            answer = client.exchange(step.verb, step.path, headers, body)
        except ExchangeError as error:
            kind, sample, sent = error.kind, str(error), error.sent
        except Exception as error:
            # What http.client refuses to write (a header with a line end) never left; the flow
            # is told, and this request must not stay in flight.
            self._finish(place, step, None, "generator-limit", str(error), False, began_ns, None)
            client.close()
            raise
        while client.connect_ns:
            self._tally.connected(client.connect_ns.pop(), self._now_ns())
        response: Response | None = None
        if answer is not None:
            took_s = (answer.end_ns - answer.sent_ns) / _NS
            response = Response(answer.status, answer.headers, answer.body, took_s)
            good = answer.status in step.expect if step.expect else 200 <= answer.status < 400
            if not good:
                kind, sample = str(answer.status), response.text
            self.served[place] += 1
        self._finish(place, step, answer, kind, sample, sent, began_ns, planned_ns)
        if response is None or kind is not None:
            raise StepFailed(step, str(kind), response)
        return response

    def _finish(
        self,
        place: int,
        step: Step,
        answer: Answer | None,
        kind: str | None,
        sample: str,
        sent: bool,
        began_ns: int,
        planned_ns: int | None,
    ) -> None:
        now_ns = self._now_ns()
        times = {"service_time": now_ns - began_ns}
        if answer is not None:
            now_ns = answer.end_ns - self._start_ns
            times["service_time"] = answer.end_ns - answer.sent_ns
            times["first_byte"] = answer.first_byte_ns - answer.sent_ns
        if planned_ns is not None:
            times["response_time"] = now_ns - planned_ns
        self._tally.ended(
            place,
            now_ns,
            step=step.shown,
            kind=kind,
            sample=sample,
            status=None if answer is None else answer.status,
            sent=sent,
            times_ns=times,
            bytes_in=answer.bytes_in if answer else 0,
            bytes_out=answer.bytes_out if answer else 0,
        )


def _share(count: int | None, processes: int, process: int) -> int | None:
    """This process's part of a number of requests."""
    return None if count is None else len(range(process, count, processes))


def _where(error: Exception) -> str:
    """What went wrong in the user's code, and on which line."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    at = f" at {last.filename}:{last.lineno}" if last else ""
    return f"{type(error).__name__}: {error}{at}"
