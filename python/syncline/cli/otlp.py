"""Sends a run's metrics to an OpenTelemetry collector."""

from __future__ import annotations

import http.client
import json
import ssl
from urllib.parse import urlsplit

from syncline.errors import EnvironmentLackError, UsageError
from syncline.record import RunRecord
from syncline.report.otlp import otlp_metrics

PATH = "/v1/metrics"
_TIMEOUT_S = 10.0
_SHOWN_BYTES = 300


def check_endpoint(url: str) -> str:
    """The URL that metrics go to; without a path it is the one that collectors listen on.

    Raises:
        UsageError: it is no URL of a collector's HTTP receiver.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"--otlp {url!r} is no URL: {error}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"--otlp {url!r} is no URL of a collector; write http://HOST:4318, where it takes "
            "OTLP over HTTP."
        )
    return url if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}{PATH}"


def send(record: RunRecord, url: str) -> None:
    """Posts the metrics of a run, as JSON.

    Raises:
        EnvironmentLackError: nothing answers there, or it refuses them.
    """
    parts = urlsplit(check_endpoint(url))
    body = json.dumps(otlp_metrics(record), allow_nan=False).encode()
    host = parts.hostname or ""
    connection = (
        http.client.HTTPSConnection(
            host, parts.port, timeout=_TIMEOUT_S, context=ssl.create_default_context()
        )
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=_TIMEOUT_S)
    )
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read(_SHOWN_BYTES).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        raise EnvironmentLackError(
            f"--otlp: the metrics of run {record.id} could not be sent to {parts.netloc}: {reason}."
        ) from error
    finally:
        connection.close()
    if answer.status >= 300:
        raise EnvironmentLackError(
            f"--otlp: {parts.netloc}{parts.path} answered {answer.status} to the metrics of run "
            f"{record.id}{f': {said}' if said else '.'}"
        )
