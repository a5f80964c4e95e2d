"""What can be told from the load's own result is told without any look inside."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from syncline.outcome import (
    Connections,
    ErrorSample,
    LoadResult,
    ServiceExit,
    Silence,
    Validity,
)
from syncline.plan import constant_rate
from tests.unit import factories as make
from tests.unit.diagnosing import Case, codes, cpu, good, hung, roots, seen, the, trial

FAILED = ErrorSample("404", 20_000, 0.0, 10.0, "<h1>Not found</h1>")
STARVED = {"connections": Connections(100, 100, 0, 90, 0, 0, 2000)}
SHORT = Silence(8.6, 1.4, until_end=True)
DIED = Validity.of(("the service died during the load, by signal 9",))


def failing(share: float) -> LoadResult:
    failed = round(20_000 * share)
    return good(ok=20_000 - failed, failed=failed, error_samples=(FAILED,))


def paced(*rates: int) -> LoadResult:
    return good(intervals=tuple(make.interval(second, ok) for second, ok in enumerate(rates)))


def bound(**changes: Any) -> LoadResult:
    return good(generator=replace(good().generator, **changes))


def repeats(*rates: float) -> list[Any]:
    return [
        trial(None, good(throughput_rps=rate), repeat=number) for number, rate in enumerate(rates)
    ]


CASES = (
    Case(
        "connections-starved",
        "some were never served",
        lambda: [trial(None, good(100, **STARVED), 100)],
        lambda: [trial(None, good(100), 100)],
    ),
    Case(
        "connections-starved",
        "an open loop may not need them all",
        lambda: [
            trial(
                {"sockets.unread_longest_s": 8},
                good(100, **STARVED),
                100,
            )
        ],
        lambda: [trial(None, good(100, **STARVED), 100, load={"schedule": constant_rate(100.0)})],
    ),
    Case(
        "accept-queue-full",
        "connects that time out",
        lambda: [trial(None, good(errors={"connect-timeout": 40}))],
        lambda: [trial(None, good(errors={"response-timeout": 40}))],
    ),
    Case(
        "accept-queue-full",
        "overflows that the kernel counted",
        lambda: [
            trial(
                {"listen.overflows_total": lambda at: 9 * at, "listen.queue": 129}
                | {"listen.backlog": 128}
            )
        ],
        lambda: [trial({"listen.overflows_total": 0, "listen.queue": 3, "listen.backlog": 128})],
    ),
    Case(
        "accept-queue-full",
        "a dead service refuses, too",
        lambda: [trial(None, good(errors={"connect-refused": 9, "connect-timeout": 9}))],
        lambda: [
            trial(None, good(errors={"connect-refused": 9, "connect-timeout": 9}), validity=DIED)
        ],
    ),
    Case(
        "keep-alive-off",
        "the engine's note",
        lambda: [trial(None, good(notes=("keep-alive-off",)))],
        lambda: [trial(None, good(notes=("keep-alive-off",)), load={"keep_alive": False})],
    ),
    Case(
        "keep-alive-off",
        "a connection per answer",
        lambda: [
            trial(None, good(connections=Connections(48, 19_990, 0, 0, 400, 416, 420))),
        ],
        lambda: [trial(None, good(connections=Connections(48, 52, 0, 0, 400, 416, 420)))],
    ),
    Case(
        "errors-dominate",
        "all",
        lambda: [trial(None, failing(1.0))],
        lambda: [trial(None, failing(0.01))],
    ),
    Case(
        "errors-dominate",
        "most",
        lambda: [trial(None, failing(0.6))],
        lambda: [trial(None, failing(0.4))],
    ),
    Case(
        "hang",
        "after good answers",
        lambda: [trial(None, hung(), 200)],
        lambda: [trial(None, good(200), 200)],
    ),
    Case(
        "hang",
        "from the first request on",
        lambda: [trial(None, make.dead_result(), 64)],
        lambda: [trial(None, make.dead_result(in_flight=0, started=0, sent=0), 64, hang=None)],
    ),
    Case(
        "hang",
        "not slow first answers, for which the processor works",
        lambda: [trial(cpu(0.01), hung(silence=SHORT), 200)],
        lambda: [trial(cpu(0.99), hung(silence=SHORT), 200)],
    ),
    Case(
        "crash",
        "by a signal",
        lambda: [trial(None, good(), validity=DIED, service=ServiceExit(-9, "Killed"))],
        lambda: [trial(None, good(), service=ServiceExit(None, "a warning"))],
    ),
    Case(
        "crash",
        "the load saw it",
        lambda: [trial(None, hung(), 200, validity=DIED)],
        lambda: [trial(None, hung(), 200)],
    ),
    Case(
        "generator-bound",
        "its own verdict",
        lambda: [trial(None, bound(bottleneck=True, cpu_share=0.99))],
        lambda: [trial(None, bound(cpu_share=0.6))],
    ),
    Case(
        "generator-bound",
        "the trial's reasons",
        lambda: [
            trial(None, good(), validity=Validity.of(("generator saturated: starved for 2 s",)))
        ],
        lambda: [trial(None, good(), validity=Validity.of(("schedule not held: 9 of 10",)))],
    ),
    Case(
        "not-steady",
        "it slows down",
        lambda: [trial(None, paced(*[2000] * 4, 1500, 1200, *[900] * 4))],
        lambda: [trial(None, paced(*[2000] * 4, 1900, 2100, *[1950] * 4))],
    ),
    Case(
        "not-steady",
        "it gets warm",
        lambda: [trial(None, paced(*[500] * 4, 1500, 1200, *[1900] * 4))],
        lambda: [trial(None, paced(500, 2000, 1900, 2100, 1800, 1900, 500, 2000, 1900))],
    ),
    Case(
        "not-steady",
        "it slows down at once, and is steady then",
        lambda: [trial(None, paced(*[2000, 2010, 1990, 2005, 1995], *[600, 605, 595, 602, 598]))],
        # A start of a quarter of the load is what one leaves to a warm-up.
        lambda: [
            trial(None, paced(*[600, 605, 610], *[2000, 2010, 1990, 2005, 1995, 2000, 1990] * 2))
        ],
    ),
    Case(
        "not-steady",
        "it slows down, and others take some of the machine",
        lambda: [trial({"machine.steal_share": 0.1}, paced(*[2000] * 5, *[600] * 5))],
        lambda: [trial({"machine.steal_share": 0.4}, paced(*[2000] * 5, *[600] * 5))],
    ),
    Case(
        "noisy",
        "stolen time",
        lambda: [trial({"machine.steal_share": 0.2})],
        lambda: [trial({"machine.steal_share": 0.001})],
    ),
    Case(
        "noisy",
        "repeats that scatter",
        lambda: repeats(1000, 2000, 1500),
        lambda: repeats(1000, 1010, 1005),
    ),
    Case(
        "healthy",
        "from outside",
        lambda: [trial()],
        lambda: [trial(None, hung(), 200)],
    ),
    Case(
        "healthy",
        "with observers",
        lambda: [trial(cpu(0.4))],
        lambda: [trial(cpu(0.4), failing(0.9))],
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}: {case.name}")
def test_a_cause_is_named_and_its_twin_is_not(case: Case) -> None:
    assert case.code in codes(case.fires())
    assert case.code not in codes(case.quiet())


def test_health_says_what_would_give_out_first() -> None:
    assert "not observed" in the("healthy", [trial()]).summary
    light = the("healthy", [trial(cpu(0.4))])
    assert "a worker's core (40% used), at about 5,000 answers" in light.summary
    assert light.confidence > the("healthy", [trial()]).confidence


def test_an_unknown_cause_is_a_hang_with_where_it_stands() -> None:
    groups = [{"count": 40, "names": ["w"], "stack": [["/srv/app.py", 3, "work"]]}]
    stacks = seen("stacks", threads=groups, tasks=[])
    found = the("hang", [trial(None, hung(), 200, observations=[stacks])])
    assert any("/srv/app.py:3 in work" in one.metric for one in found.evidence)
    assert "not explained" in found.summary


def test_a_crash_explains_the_silence_after_it() -> None:
    service = ServiceExit(-11, "Segmentation fault")
    pairs = [trial(None, hung(), 200, validity=DIED, service=service)]
    assert roots(pairs) == ["crash"]


def test_of_a_service_that_died_the_last_error_is_told_too() -> None:
    log = "INFO: Started\nERROR: address already in use\nINFO: Application shutdown complete."
    found = the("crash", [trial(None, good(), validity=DIED, service=ServiceExit(3, log))])
    told = {one.metric: one.value for one in found.evidence}
    assert told["last error in its log"] == "ERROR: address already in use"
    assert told["last line of its log"] == "INFO: Application shutdown complete."


def test_where_all_are_slow_nobody_is_starved() -> None:
    slow = make.quantiles([2_000_000.0, 3_000_000.0])
    assert "connections-starved" not in codes(
        [trial(None, good(100, service_time_us=slow, **STARVED), 100)]
    )


def test_who_gives_up_after_a_time_out_makes_nobody_slow() -> None:
    fast = replace(make.quantiles([300.0]), p99=2_000_000.0)
    served = {"service_time_us": fast, "timed_out": 891, **STARVED}
    found = the("connections-starved", [trial(None, good(100, **served), 100)])
    assert found.summary.startswith("90 of 100 connections never got an answer")


def test_what_loses_requests_is_not_healthy() -> None:
    assert codes([trial(None, good(timed_out=1))]) == {"healthy"}
    assert not codes([trial(None, good(timed_out=100))])


def test_a_generator_that_was_held_up_did_not_use_its_core() -> None:
    said = Validity.of(("generator saturated: it was kept from running for 0.10 s",))
    found = the("noisy", [trial(None, bound(cpu_share=0.01), validity=said)])
    assert found.severity == "warning"
    assert [one.metric for one in found.evidence] == ["said"]
    own = [trial(None, bound(cpu_share=0.97, bottleneck=True), validity=said)]
    assert roots(own)[0] == "generator-bound"
