"""Results of agents as one: what one recorder would have recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from syncline._engine import Histogram
from syncline.agents.histograms import quantiles
from syncline.agents.merge import Part, merge
from syncline.codec import from_json, to_json
from syncline.errors import MeasurementError
from syncline.outcome import (
    Agent,
    ErrorSample,
    Histograms,
    LoadResult,
    RequestResult,
    Silence,
    Validity,
)
from syncline.plan import Plan
from syncline.report.load_health import health_rows
from tests.unit.factories import interval, latencies_us, load_result

NAMES = ("service_time", "response_time", "first_byte", "connect", "error_time", "lateness")


def agent(number: int, of: int = 8, **changes: object) -> Agent:
    value = Agent(number, f"10.0.0.{number}", 1 / of, 0.0, 1e-4, None, 0, 0, 0, 0, *(None,) * 4)
    return replace(value, **changes)  # type: ignore[arg-type]


def recorded(values: Iterable[int]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


def result(values: Sequence[int], **changes: object) -> LoadResult:
    """A result whose six histograms and whose intervals hold these values, in nanoseconds."""
    text = recorded(values).encode()
    slices = [values[index::5] for index in range(5)]
    intervals = tuple(
        interval(
            float(start),
            len(part),
            quantiles(recorded(part), 1),
            service_histogram=recorded(part).encode(),
            response_histogram=recorded(part).encode(),
        )
        for start, part in enumerate(slices)
    )
    value = load_result(
        ok=len(values),
        started=len(values) + 3,
        in_flight=3,
        histograms=Histograms(1, **dict.fromkeys(NAMES, text)),
        intervals=intervals,
    )
    return replace(value, **changes)  # type: ignore[arg-type]


def parts(results: Sequence[LoadResult], late_s: Sequence[float] = ()) -> list[Part]:
    starts = list(late_s) or [0.0] * len(results)
    return [
        Part(agent(number, len(results)), 10**12 + round(starts[number] * 1e9), one)
        for number, one in enumerate(results)
    ]


VALUES = [int(us * 1000) for us in latencies_us(20_000, seed=5)] + [1, 0, 7_000_000_000]


def test_eight_agents_record_what_one_would_have() -> None:
    one = merge(parts([result(VALUES)]))
    eight = merge(parts([result(VALUES[index::8]) for index in range(8)]))
    for name in NAMES:
        alone = Histogram.decode(getattr(one.histograms, name))
        together = Histogram.decode(getattr(eight.histograms, name))
        assert together.buckets() == alone.buckets(), name
        assert together.buckets() == recorded(VALUES).buckets(), name
    assert eight.service_time_us == one.service_time_us
    assert eight.response_time_us == one.response_time_us
    assert (eight.ok, eight.generator.lateness_us) == (len(VALUES), one.generator.lateness_us)
    assert eight.started == eight.ok + eight.failed + eight.timed_out + eight.in_flight
    assert sum(span.ok for span in eight.intervals) == len(VALUES)


def test_intervals_add_up_bucket_by_bucket() -> None:
    split = [VALUES[index::8] for index in range(8)]
    merged = merge(parts([result(values) for values in split]))
    assert len(merged.intervals) == 5
    for index, span in enumerate(merged.intervals):
        values = [value for own in split for value in own[index::5]]
        assert span.service_histogram is not None
        assert Histogram.decode(span.service_histogram).buckets() == recorded(values).buckets()
        assert span.service_time_us == quantiles(recorded(values), 1)
        assert (span.start_s, span.ok, span.in_flight) == (float(index), len(values), 64 * 8)


def test_the_result_of_one_agent_stays_what_it_is() -> None:
    once = merge(parts([result(VALUES)]))
    again = merge(parts([once]))
    assert replace(again, agents=()) == replace(once, agents=())


def test_an_agent_that_began_late_is_put_where_it_sent() -> None:
    merged = merge(parts([result(VALUES[:100]), result(VALUES[:50])], late_s=[0.0, 2.004]))
    starts = [round(span.start_s) for span in merged.intervals]
    assert starts == list(range(7))
    assert [span.ok for span in merged.intervals] == [20, 20, 30, 30, 30, 10, 10]
    assert merged.duration_s == pytest.approx(7.004)
    assert merged.validity.reasons == (
        "schedule not held: agent 1 (10.0.0.1) began 2.00 s after the first",
    )


def test_a_skew_below_half_an_interval_moves_nothing() -> None:
    merged = merge(parts([result(VALUES[:10])] * 3, late_s=[0.0, 0.3, 0.0004]))
    assert len(merged.intervals) == 5


def test_warm_up_and_measured_time_stay_apart() -> None:
    warm = tuple(interval(float(s), 10, warmup=s < 2) for s in range(5))
    merged = merge(parts([result(VALUES[:50], intervals=warm)] * 2, late_s=[0.0, 1.0]))
    assert [(round(i.start_s), i.warmup, i.ok) for i in merged.intervals] == [
        (0, True, 10),
        (1, True, 20),
        (2, True, 10),
        (2, False, 10),
        (3, False, 20),
        (4, False, 20),
        (5, False, 10),
    ]


def test_a_lost_agent_is_named_with_its_share_and_makes_the_run_degraded() -> None:
    lost = agent(1, 2, lost_s=4.2, ok=300, failed=1)
    merged = merge(parts([result(VALUES[:50])])[:1], [lost])
    assert merged.validity.status == "invalid"
    assert merged.validity.reasons[0].startswith(
        "degraded: agent 1 (10.0.0.1) was lost at 4.2 s; its share, 50.0% of the load, is missing"
    )
    assert "degraded" in merged.notes
    assert merged.ok == 50, "the rest is kept, and nothing is made up"
    assert [one.lost_s for one in merged.agents] == [None, 4.2]
    assert from_json(LoadResult, to_json(merged)) == merged


def test_losing_all_is_an_error() -> None:
    with pytest.raises(MeasurementError, match="All agents were lost"):
        merge([], [agent(0, lost_s=1.0)])


def test_the_agent_that_was_the_bottleneck_is_named() -> None:
    good = result(VALUES[:50])
    slow = replace(
        good,
        generator=replace(good.generator, bottleneck=True, cpu_share=0.99),
        validity=Validity.of(("generator saturated: a thread of it used its whole core",)),
    )
    merged = merge(parts([good, good, good, slow]))
    assert merged.generator.bottleneck
    assert merged.generator.cpu_share == 0.99
    assert merged.generator.cpu_s == pytest.approx(4 * good.generator.cpu_s)
    assert [one.bottleneck for one in merged.agents] == [False, False, False, True]
    assert merged.validity.reasons == (
        "generator saturated on agent 3: a thread of it used its whole core",
    )


def test_one_reason_of_all_agents_is_said_once() -> None:
    reasons = Validity.of(("generator saturated: a thread of it used its whole core",))
    merged = merge(parts([result(VALUES[:9], validity=reasons)] * 4))
    assert merged.validity.reasons == (
        "generator saturated on all agents; the first of them: a thread of it used its whole core",
    )


def test_errors_are_judged_for_the_whole_and_not_by_agent() -> None:
    good = result(VALUES[:50])
    hung = result(
        (), ok=0, timed_out=20, validity=Validity.of(("errors dominate: no request succeeded",))
    )
    assert merge(parts([good, hung])).validity.status == "valid"
    assert merge(parts([good, hung, hung, hung])).validity.reasons == (
        "errors dominate: 60 of 110 requests failed or timed out",
    )
    assert (
        merge(parts([hung, hung]))
        .validity.reasons[0]
        .startswith("errors dominate: no request succeeded; 0 failed, 40 timed out")
    )
    idle = result(
        (), planned=0, started=0, in_flight=0, validity=Validity.of(("nothing was sent",))
    )
    assert merge(parts([good, idle])).validity.status == "valid"
    assert merge(parts([idle, idle])).validity.reasons == ("nothing was sent",)


def test_a_schedule_is_held_or_not_by_all_agents_together() -> None:
    def unsent(count: int) -> LoadResult:
        one = result(VALUES[:50], planned=1000)
        return replace(one, generator=replace(one.generator, unsent=count))

    assert merge(parts([unsent(15), unsent(0)])).validity.status == "valid"
    assert merge(parts([unsent(15), unsent(6)])).validity.reasons == (
        "schedule not held: 21 of 2000 planned requests were not sent, for want of a free "
        "connection among 128",
    )


def test_silence_is_what_all_agents_shared() -> None:
    def silent(from_s: float, longest_s: float, until_end: bool = True) -> LoadResult:
        return result(VALUES[:9], silence=Silence(from_s, longest_s, until_end))

    merged = merge(parts([silent(1.0, 4.0), silent(2.5, 2.5)], late_s=[0.0, 0.001]))
    assert merged.silence is not None
    assert merged.silence.from_s == pytest.approx(2.501)
    assert merged.silence.longest_s == pytest.approx(2.499)
    assert merged.silence.until_end
    assert merge(parts([silent(1.0, 4.0), result(VALUES[:9])])).silence is None
    assert merge(parts([silent(0.0, 2.0), silent(1.5, 2.0)])).silence is None


def test_errors_are_grouped_with_the_first_as_the_example() -> None:
    early = result(VALUES[:9], error_samples=(ErrorSample("reset", 2, 1.0, 3.0, "early"),))
    late = result(
        VALUES[:9],
        error_samples=(
            ErrorSample("500", 1, 0.1, 0.1, "oops"),
            ErrorSample("reset", 5, 2.0, 4.0, "b"),
        ),
    )
    merged = merge(parts([late, early]))
    assert merged.error_samples == (
        ErrorSample("500", 1, 0.1, 0.1, "oops"),
        ErrorSample("reset", 7, 1.0, 4.0, "early"),
    )


def test_times_by_kind_of_request_are_left_out_where_they_cannot_be_added() -> None:
    own = quantiles(recorded([1000]), 1)
    kinds = (RequestResult("a", 1, 0, 0, own), RequestResult("b", 2, 1, 0, own))
    two = merge(parts([result(VALUES[:9], by_request=kinds)] * 2))
    assert two.by_request == (
        RequestResult("a", 2, 0, 0, None),
        RequestResult("b", 4, 2, 0, None),
    )
    single = merge(parts([result(VALUES[:9], by_request=kinds[:1])] * 2))
    assert single.by_request[0].service_time_us == single.service_time_us


def test_histograms_of_other_units_or_none_at_all_are_refused() -> None:
    good = result(VALUES[:9])
    other = replace(good, histograms=replace(good.histograms, unit_ns=1000))
    with pytest.raises(MeasurementError, match="different units"):
        merge(parts([good, other]))
    broken = replace(good, histograms=replace(good.histograms, connect="AAAA"))
    with pytest.raises(MeasurementError, match="histogram cannot be read"):
        merge(parts([good, broken]))


def test_a_report_says_who_sent_the_load() -> None:
    merged = merge(parts([result(VALUES[:50])], late_s=[0.0]), [agent(1, 2, lost_s=4.2)])
    rows = dict(health_rows(Plan("http://127.0.0.1:1"), merged))
    said = rows["agents"]
    assert "2 agents on 2 machines" in said.text
    assert "agent 1 lost at 4.2 s with 50.0 % of the load" in said.text
    assert said.tone == "bad"
    assert "agents" not in dict(health_rows(Plan("http://127.0.0.1:1"), load_result()))
