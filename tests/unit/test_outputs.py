"""Runs leave as OpenTelemetry metrics, and the Grafana dashboard asks for what is written."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from syncline.cli.otlp import check_endpoint, send
from syncline.errors import EnvironmentLackError, UsageError
from syncline.outcome import Series
from syncline.record import RunRecord
from syncline.report.openmetrics import openmetrics
from syncline.report.otlp import otlp_metrics
from syncline.trial import Load, Trial, Variant
from tests.unit import factories as make

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana" / "syncline.json"
TRIAL = Trial("users", Variant("sync", app="a:b"), Load(48, 2.0))
# The observers' own names and units, of what the dashboard shows.
SERIES = {
    "process.cpu_cores": Series("cores", (0.1,), (0.5,)),
    "process.rss_bytes": Series("bytes", (0.1, 0.2), (1e6, None)),
    "probe.loop_lag_max_ms": Series("ms", (0.1,), (250.0,)),
    "probe.pool_checked_out": Series("1", (0.1,), (5,)),
    "probe.pool_limit": Series("1", (0.1,), (15,)),
    "probe.pool_waiters[4711]": Series("1", (0.1,), (20,)),
    "probe.limiter_borrowed": Series("1", (0.1,), (40,)),
    "probe.limiter_waiting": Series("1", (0.1,), (8,)),
    "probe.sql_statements_total": Series("1", (0.1, 0.2), (7, 14)),
    "machine.cpu_share.0": Series("share", (0.1,), (0.5,)),
    # They differ by their unit alone.
    "sockets.unread": Series("1", (0.1,), (3,)),
    "sockets.unread_bytes": Series("bytes", (0.1,), (900,)),
}
OUTCOME = make.outcome(series=SERIES)


def record() -> RunRecord:
    return replace(make.run_record(), trials=((TRIAL, OUTCOME),))


def metrics(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (resource,) = data["resourceMetrics"]
    (scope,) = resource["scopeMetrics"]
    return {one["name"]: one for one in scope["metrics"]}


def test_otlp_has_base_units_instants_and_kinds() -> None:
    found = metrics(otlp_metrics(record()))
    (lag,) = found["syncline_probe_loop_lag_max_seconds"]["gauge"]["dataPoints"]
    assert found["syncline_probe_loop_lag_max_seconds"]["unit"] == "s"
    assert lag["asDouble"] == 0.25
    assert lag["timeUnixNano"] == "1767323045100000000"  # 2026-01-02T03:04:05Z and 0.1 s
    assert {"key": "connections", "value": {"stringValue": "48"}} in lag["attributes"]
    statements = found["syncline_probe_sql_statements"]["sum"]
    assert (statements["isMonotonic"], statements["aggregationTemporality"]) == (True, 2)
    assert [one["asDouble"] for one in statements["dataPoints"]] == [7, 14]
    assert len(found["syncline_process_rss_bytes"]["gauge"]["dataPoints"]) == 1


def in_prometheus(metric: dict[str, Any]) -> str:
    """The name that Prometheus gives a metric of OTLP; see its compatibility specification."""
    unit = {"s": "_seconds", "By": "_bytes", "1": "_ratio"}.get(metric.get("unit", ""), "")
    name = metric["name"].removesuffix(unit) + unit
    return f"{name}_total" if "sum" in metric else name


def names_of_openmetrics() -> set[str]:
    text = openmetrics([(TRIAL, OUTCOME)])
    return {line.partition("{")[0] for line in text.splitlines() if not line.startswith("#")}


def test_both_ways_end_with_the_same_names() -> None:
    found = {in_prometheus(one) for one in metrics(otlp_metrics(record())).values()}
    assert found == names_of_openmetrics()


def test_every_metric_of_the_dashboard_is_one_that_is_written() -> None:
    asked = set(re.findall(r"\bsyncline_[a-z0-9_]+", DASHBOARD.read_text(encoding="utf-8")))
    assert len(asked) > 10
    assert asked <= names_of_openmetrics()


class Collector(BaseHTTPRequestHandler):
    """Takes what is sent to ``/v1/metrics``, and nothing else."""

    taken: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        good = self.path == "/v1/metrics"
        if good:
            self.taken.append(json.loads(body))
        self.send_response(200 if good else 404)
        self.end_headers()
        self.wfile.write(b"{}" if good else b"no such receiver")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def collector() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    taken: list[dict[str, Any]] = []
    kind = type("Taking", (Collector,), {"taken": taken})
    with HTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", taken
        finally:
            server.shutdown()
            thread.join()


def test_a_collector_gets_the_run() -> None:
    with collector() as (url, taken):
        send(record(), url)
        with pytest.raises(EnvironmentLackError, match=r"answered 404 .*: no such receiver"):
            send(record(), f"{url}/elsewhere")
    assert taken == [otlp_metrics(record())]
    with pytest.raises(EnvironmentLackError, match="could not be sent to 127"):
        send(record(), url)


@pytest.mark.parametrize("url", ["collector:4318", "ftp://a/", "http://", "http://a:b/"])
def test_what_is_no_collector_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is no URL"):
        check_endpoint(url)
