"""The report of one load: percentiles, what became of the requests, the generator's health."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from syncline.engine import Histogram
from syncline.outcome import ErrorSample, Histograms, LoadResult, Silence, Validity
from syncline.plan import Plan, Request, constant_rate
from syncline.report.hdr import hgrm, hlog
from syncline.report.load_export import intervals_csv, load_json
from syncline.report.load_report import build_load
from syncline.report.markdown import render_markdown
from syncline.report.spectrum import latency_bars
from syncline.report.terminal import render_terminal
from tests.unit import factories as make

PLAN = Plan("http://127.0.0.1:8080", (Request("/users"),), connections=64, duration_s=5.0)
OPEN = replace(PLAN, schedule=constant_rate(1000.0))


def shown(result: LoadResult, plan: Plan = PLAN, width: int = 100, **settings: Any) -> str:
    console = Console(width=width, force_terminal=True)
    with console.capture() as captured:
        render_terminal(build_load(plan, result, **settings), console)
    return re.sub(r"\x1b\[[0-9;]*m", "", captured.get())


def verdict(result: LoadResult, plan: Plan = PLAN, **settings: Any) -> str:
    return render_markdown(build_load(plan, result, **settings)).strip().split("\n\n")[-1]


def open_result(**changes: Any) -> LoadResult:
    values = make.latencies_us(2000)
    late = [value + 5000 for value in values]
    return make.load_result(
        latencies=values,
        planned=2000,
        response_time_us=make.quantiles(late),
        histograms=Histograms(
            1000,
            response_time=make.encoded_histogram(late),
            service_time=make.encoded_histogram(values),
        ),
        **changes,
    )


def test_a_good_load_ends_with_its_verdict() -> None:
    assert verdict(make.load_result()).startswith("4,000 req/s, p50 2.30 ms")
    assert "all 20,000 answers as expected" in verdict(make.load_result())


def test_a_closed_loop_says_that_it_shows_service_time_only() -> None:
    text = shown(make.load_result())
    assert "closed loop sends less while the service stalls" in " ".join(text.split())
    assert "response time  service time" not in text


def test_an_open_loop_shows_both_times_and_says_which_is_which() -> None:
    text = shown(open_result(), OPEN)
    assert "response time  service time" in text
    assert "Response time runs from the planned instant" in text
    row = next(line.split() for line in text.splitlines() if line.startswith("p50"))
    assert row[:5] == ["p50", "7.31", "ms", "2.31", "ms"]


def test_the_verdict_of_an_open_loop_is_in_response_time() -> None:
    assert "response time p50 7.31 ms" in verdict(open_result(), OPEN)


def test_a_hang_comes_before_the_rate_and_has_no_green_verdict() -> None:
    text = verdict(make.hung_result(silence=Silence(0.4, 1.6, until_end=True)))
    assert text.startswith("**The service hung: no answers from 0.4 s on, for 1.6 s; 200 in flight")


def test_a_load_without_answers_has_neither_zero_latency_nor_nan() -> None:
    text = shown(make.dead_result())
    assert "Nothing was answered" in text
    assert "latency" not in text
    assert "nan" not in text.lower()
    assert not re.search(r"\b0(\.0+)? (µs|ms)\b", text)


def test_a_load_of_errors_only_is_invalid_and_shows_their_time_apart() -> None:
    result = make.dead_result(
        failed=1000,
        started=1000,
        in_flight=0,
        status_codes={"500": 1000},
        error_time_us=make.quantiles([900, 1000]),
        error_samples=(ErrorSample("500", 1000, 0.0, 5.0, "boom"),),
        validity=Validity.of(("errors dominate",)),
        silence=None,
    )
    text = shown(result)
    assert "No answer was a success" in text
    assert "invalid: errors dominate" in text
    assert "failed ones" in text
    assert "service time  " not in text


def test_errors_are_one_line_per_kind_with_the_first_as_a_sample() -> None:
    result = make.load_result(
        failed=12,
        timed_out=3,
        status_codes={"200": 20_000, "500": 12},
        errors={"response-timeout": 3},
        error_samples=(
            ErrorSample("500", 12, 1.2, 4.3, "Internal\nServer \x1b[31mError"),
            ErrorSample("response-timeout", 3, 2.0, 4.9, "no answer within 2 s"),
        ),
    )
    lines = shown(result).splitlines()
    (row,) = (line for line in lines if line.startswith("status 500 "))
    assert "12" in row
    assert "1.2 s to 4.3 s" in row
    assert "Internal Server \\x1b[31mError" in row
    assert sum(line.startswith("response-timeout") for line in lines) == 1
    assert "15 of 20,015 failed (0.07 %)" in " ".join(lines)


def test_connections_that_were_never_served_are_shown() -> None:
    result = make.load_result()
    starved = replace(result.connections, asked=100, never_served=90)
    text = shown(replace(result, connections=starved))
    assert "90 of 100 connections never got an answer" in text


def test_the_generator_accuses_itself() -> None:
    result = make.load_result()
    own = replace(result.generator, bottleneck=True, cpu_share=0.99)
    assert "it was the limit" in shown(replace(result, generator=own))


def test_requests_that_were_never_sent_are_counted() -> None:
    result = open_result()
    own = replace(result.generator, unsent=12, queue_peak=40, lateness_us=make.quantiles([12.0]))
    text = shown(replace(result, generator=own), OPEN)
    assert "12 never sent" in text
    assert "up to 40 waited" in " ".join(text.split())


def test_an_interrupted_load_says_so_first() -> None:
    assert verdict(make.load_result(), interrupted=True).startswith("Interrupted after 5 s of 5 s")


def test_the_histogram_holds_every_answer_once() -> None:
    values = [100] * 10 + [5000] * 5 + [2_000_000]
    bars = latency_bars(make.encoded_histogram(values), 1000, "service time").bars
    assert sum(bar.value for bar in bars) == len(values)
    assert bars[-1].cells[1].text == "100 %"


def test_one_answer_makes_one_bar() -> None:
    (bar,) = latency_bars(make.encoded_histogram([700]), 1000, "service time").bars
    assert bar.value == 1


def test_the_spectrum_is_there_on_request_only() -> None:
    assert "percentile" not in shown(make.load_result())
    assert "99.902344" in shown(make.load_result(), detail=True)


def test_no_line_is_wider_than_the_terminal() -> None:
    result = make.load_result(
        failed=1,
        error_samples=(ErrorSample("500", 1, 0.0, 0.0, "x" * 500),),
        status_codes={"500": 1},
    )
    for width in (60, 80, 100):
        assert max(map(len, shown(result, width=width).splitlines())) <= width


def test_json_is_the_contract_with_the_plan_and_without_credentials() -> None:
    headers = (("Authorization", "Basic c2VjcmV0"), ("Cookie", "sid=c2VjcmV0"), ("X-Ok", "fine"))
    plan = replace(PLAN, requests=(Request("/a?token=c2VjcmV0&b=1", headers=headers),))
    data = load_json(plan, make.load_result())
    text = json.dumps(data, allow_nan=False)
    assert data["schema"] == 1
    assert data["plan"]["connections"] == 64
    assert data["response_time_us"] is None
    assert set(data["service_time_us"]) >= {
        "min",
        "p50",
        "p75",
        "p90",
        "p95",
        "p99",
        "p99_9",
        "max",
    }
    assert "c2VjcmV0" not in text
    assert "fine" in text


def test_csv_has_a_row_per_interval_and_blanks_for_the_unknown() -> None:
    result = make.load_result()
    rows = list(csv.DictReader(io.StringIO(intervals_csv(result.intervals))))
    assert [int(row["ok"]) for row in rows] == [4000] * 5
    assert {row["planned"] for row in rows} == {""}
    assert {row["response_time_p50_us"] for row in rows} == {""}
    assert float(rows[0]["service_time_p50_us"]) > 0


def test_csv_holds_no_formula() -> None:
    one = make.interval(0, 5, errors={"=HYPERLINK(1)": 2})
    for row in csv.reader(io.StringIO(intervals_csv([one]))):
        assert not any(cell.startswith(("=", "+", "@")) for cell in row)


def test_hgrm_rows_rise_to_the_maximum_in_milliseconds() -> None:
    values = make.latencies_us(5000)
    text = hgrm(Histograms(1000, service_time=make.encoded_histogram(values)))
    rows = [line.split() for line in text.splitlines()[2:] if not line.startswith("#")]
    assert [float(row[0]) for row in rows] == sorted(float(row[0]) for row in rows)
    assert rows[-1][1:] == ["1.000000000000", "5000"]
    assert (
        float(rows[-1][0]) == max(values) / 1000
        or abs(float(rows[-1][0]) * 1000 / max(values) - 1) < 0.001
    )


def test_hgrm_of_nothing_is_empty_but_readable() -> None:
    assert hgrm(Histograms(1000)).split() == [
        *("Value", "Percentile", "TotalCount", "1/(1-Percentile)"),
    ]


def test_hlog_lines_hold_the_intervals() -> None:
    result = make.load_result()
    warm = replace(result.intervals[0], warmup=True)
    result = replace(result, intervals=(warm, *result.intervals[1:]))
    lines = hlog(result, datetime(2026, 1, 2, tzinfo=UTC)).splitlines()
    data = [line for line in lines if not line.startswith(("#", '"'))]
    assert lines[1] == "#[Histogram log format version 1.3]"
    assert data[0].startswith("Tag=warmup,0.000,1.000,")
    start, length, greatest_ms, encoded = data[1].split(",")
    recorded = Histogram.decode(encoded)
    assert (start, length) == ("1.000", "1.000")
    assert float(greatest_ms) == round(recorded.max / 1000, 3)
    assert recorded.count == 200
