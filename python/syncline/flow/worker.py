"""One helper process: reads its job from standard input, sends, and writes what came.

Lines of JSON both ways. It ends when its input ends, so it never outlives who started it, and at
the job's deadline whatever its users do.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
from time import monotonic_ns
from typing import Any, TextIO

from syncline.codec import from_json
from syncline.errors import SynclineError
from syncline.flow.scenario import Begin, open_scenario
from syncline.flow.tally import Tally
from syncline.flow.users import Crowd
from syncline.flow.values import Scenario
from syncline.plan import Plan

_NS = 1_000_000_000
_GLANCE_S = 0.1


def main() -> None:
    """The process, from its job to its result."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a scenario prints must not mix with the result
    job = json.loads(sys.stdin.readline())
    plan = from_json(Plan, job["plan"], "plan")
    scenario = from_json(Scenario, job["scenario"], "scenario")
    try:
        begin = open_scenario(scenario, plan)
    except SynclineError as error:
        _say(out, {"refused": str(error)})
        return
    _say(out, {"ready": True})
    line = sys.stdin.readline()
    if not line:
        return
    _drive(out, plan, job["process"], begin, int(json.loads(line)["start_ns"]))
    # Users may still wait for answers; nothing of them is needed.
    out.flush()
    os._exit(0)


def _drive(out: TextIO, plan: Plan, process: int, begin: Begin, start_ns: int) -> None:
    tally = Tally(int(plan.warmup_s * _NS), int(plan.interval_s * _NS))
    crowd = Crowd(plan, process, begin, tally, start_ns)
    stop = threading.Event()
    threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    deadline_s = plan.deadline_s or (600.0 if plan.duration_s is None else plan.duration_s + 2.0)
    end_s = min(deadline_s, plan.duration_s or deadline_s)
    cpu_s = {"begin": _cpu_s(), "measured": _cpu_s()}
    warm = plan.warmup_s == 0
    crowd.start()
    while True:
        now_s = (monotonic_ns() - start_ns) / _NS
        if not warm and now_s >= plan.warmup_s:
            cpu_s["measured"], warm = _cpu_s(), True
        if stop.is_set() or now_s >= end_s or crowd.done:
            break
        stop.wait(min(_GLANCE_S, max(0.0, end_s - now_s)))
        _say(out, {"glance": tally.glance()})
    crowd.stop()
    now_ns = monotonic_ns() - start_ns
    tally.close(now_ns)
    data: dict[str, Any] = tally.data()
    data["cpu_s"] = _cpu_s() - cpu_s["measured"]
    data["interrupted"] = stop.is_set()
    data["opened"] = sum(client.opened for client in crowd.clients)
    data["failed"] = sum(client.failed for client in crowd.clients)
    data["served"] = crowd.served
    data["unclaimed"] = _unclaimed(crowd, now_ns)
    _say(out, {"result": data})


def _unclaimed(crowd: Crowd, end_ns: int) -> int:
    """Planned instants before the end to which no user came."""
    count = 0
    while crowd.turns.open:
        at_ns = crowd.turns.claim()
        if at_ns is None or at_ns >= end_ns:
            break
        count += 1
    return count


def _stop_at_end_of_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _say(out: TextIO, message: dict[str, Any]) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
