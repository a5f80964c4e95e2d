"""Recorded requests become requests of a load: nothing invented, nothing secret carried over."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from syncline.errors import UsageError
from syncline.imports import from_curl, from_har, from_log, mix, paced, rows, writing
from syncline.plan import Request


def no_file(name: str) -> bytes:
    raise AssertionError(f"{name} was read")


def one_curl(text: str, **options: Any) -> Request:
    (request,) = from_curl(text, no_file, **options).requests
    return request


def har(*entries: tuple[str, str], **extra: Any) -> str:
    return json.dumps(
        {
            "log": {
                "entries": [
                    {
                        "startedDateTime": f"2026-01-02T03:04:0{number}.000Z",
                        "request": {"method": method, "url": url, "headers": [], **extra},
                    }
                    for number, (method, url) in enumerate(entries)
                ]
            }
        }
    )


COMBINED = (
    '127.0.0.1 - - [10/Oct/2025:13:55:36 +0200] "GET /a?x=1 HTTP/1.1" 200 12 "-" "agent"\n'
    '127.0.0.1 - frank [10/Oct/2025:13:55:36 +0200] "GET /b HTTP/1.1" 404 1 "-" "agent"\n'
    '127.0.0.1 - - [10/Oct/2025:13:55:38 +0200] "POST /a HTTP/1.1" 201 0 "-" "agent"\n'
)


@pytest.mark.parametrize(
    ("text", "method", "path", "body"),
    [
        ("curl http://h/a?b=1#c", "GET", "/a?b=1", None),
        ("curl h:8080", "GET", "/", None),
        ("curl -XDELETE http://h/a", "DELETE", "/a", None),
        ("curl -d a=1 -d b=2 http://h/", "POST", "/", "a=1&b=2"),
        ("curl -sSL -X PUT --data-raw '@x' http://h/k", "PUT", "/k", "@x"),
        ("curl -G -d q=1 --data-urlencode 'w=ä' h/s?z=0", "GET", "/s?z=0&q=1&w=%C3%A4", None),
        ("curl --json '{\"a\": 1}' \\\n  http://h/j", "POST", "/j", '{"a": 1}'),
        (r"curl --data-raw $'it\'s\nso' http://h/", "POST", "/", "it's\nso"),
        ("curl -I http://h/", "HEAD", "/", None),
    ],
)  # fmt: skip
def test_a_curl_command_is_read_as_curl_reads_it(
    text: str, method: str, path: str, body: str | None
) -> None:
    request = one_curl(text)
    assert (request.method, request.path, request.body) == (method, path, body)
    assert not request.templates


def test_curl_data_brings_its_content_type_unless_one_is_given() -> None:
    assert ("Content-Type", "application/x-www-form-urlencoded") in one_curl("curl -d a h").headers
    given = one_curl("curl -H 'content-type: text/plain' -d a h").headers
    assert given == (("content-type", "text/plain"),)


def test_a_file_of_data_is_read_and_bytes_that_are_no_text_survive() -> None:
    (request,) = from_curl("curl --data-binary @f http://h/", lambda _: b"\xff\x00").requests
    assert (request.body, request.body_base64) == (None, "/wA=")


def test_several_commands_make_several_requests() -> None:
    found = from_curl("# two\ncurl h/a\ncurl -b k=v h/b ;\n", no_file)
    assert [one.path for one in found.requests] == ["/a", "/b"]


def test_credentials_are_left_out_and_said_unless_asked_for() -> None:
    text = "curl -u me:secret -b session=1 -H 'X-Api-Key: k' -H 'Accept: */*' http://h/"
    found = from_curl(text, no_file)
    assert found.requests[0].headers == (("Accept", "*/*"),)
    assert "authorization (1), cookie (1), x-api-key (1)" in found.notes[0]
    kept = from_curl(text, no_file, keep_credentials=True)
    assert ("Cookie", "session=1") in kept.requests[0].headers
    assert not kept.notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wget http://h/", "must begin with the word curl"),
        ("curl -F a=@b http://h/", "curl -F"),
        ("curl -H 'nothing' http://h/", "Name: value"),
        ("curl", "names no URL"),
        ("curl 'http://h/", "cannot be read"),
        ("curl -d", "value is missing"),
        ("curl -b cookies.txt h", "file of cookies"),
        ("curl ftp://h/", "no URL of an HTTP service"),
    ],
)
def test_what_cannot_be_imported_from_curl_is_said(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        from_curl(text, no_file)


def test_a_har_file_gives_the_requests_of_its_first_host() -> None:
    found = from_har(
        har(("GET", "http://h:1/a"), ("GET", "https://cdn/x"), ("GET", "http://h:1/b"))
    )
    assert [one.path for one in found.requests] == ["/a", "/b"]
    assert found.at_s == (0.0, 2.0)
    assert "cdn (1)" in found.notes[0]


def test_a_har_entry_keeps_body_and_headers_but_not_those_of_the_connection() -> None:
    headers = [{"name": n, "value": "v"} for n in (":path", "Host", "Cookie", "X-Own")]
    text = har(("POST", "http://h/a"), headers=headers, postData={"text": "{{line:/etc/passwd}}"})
    (request,) = from_har(text).requests
    assert request.headers == (("X-Own", "v"),)
    assert request.body == "{{line:/etc/passwd}}"
    assert not request.templates  # a recorded template must never be carried out


@pytest.mark.parametrize(
    "text", ["", "{}", '{"log": {"entries": []}}', '{"log": {"entries": [1]}}']
)
def test_what_is_no_har_file_is_said(text: str) -> None:
    with pytest.raises(UsageError):
        from_har(text)


def test_a_combined_log_is_read_with_its_instants() -> None:
    found = from_log(COMBINED + "rubbish\n")
    assert [(one.method, one.path) for one in found.requests] == [
        ("GET", "/a?x=1"),
        ("GET", "/b"),
        ("POST", "/a"),
    ]
    assert found.at_s == (0.0, 0.0, 2.0)
    assert found.resolution_s == 1.0
    assert found.notes == ("1 lines of the log are no requests and were passed over.",)


@pytest.mark.parametrize(
    "entry",
    [
        {"ts": 1700000000.25, "request": {"method": "GET", "uri": "/a"}},  # Caddy
        {"time_iso8601": "2026-01-02T03:04:05.250+00:00", "request": "GET /a HTTP/1.1"},  # nginx
        {"StartUTC": "2026-01-02T03:04:05.250Z", "RequestMethod": "GET", "RequestPath": "/a"},
    ],
)
def test_json_lines_of_well_known_servers_are_read(entry: dict[str, Any]) -> None:
    found = from_log(json.dumps(entry))
    assert [(one.method, one.path) for one in found.requests] == [("GET", "/a")]
    assert found.resolution_s == 0.001


def test_a_log_without_times_has_no_instants() -> None:
    assert from_log('{"path": "/a"}').at_s is None


def test_a_log_without_requests_is_refused() -> None:
    with pytest.raises(UsageError, match="No line"):
        from_log("hello\n")


def test_phases_start_as_many_requests_in_each_bin_as_the_log_did() -> None:
    phases = paced((0.0, 0.01, 0.05, 0.35, 0.36), 0.001)
    counts = [round(phase.duration_s * phase.from_rps) for phase in phases]
    assert counts == [3, 0, 2]
    assert [round(phase.duration_s, 3) for phase in phases] == [0.1, 0.2, 0.1]


def test_speed_shortens_the_pace_and_whole_seconds_are_not_read_finer() -> None:
    twice = paced((0.0, 0.0, 1.0, 2.0), 1.0, speed=2.0)
    assert [(phase.duration_s, phase.from_rps) for phase in twice] == [(0.5, 4.0), (1.0, 2.0)]


def test_equal_requests_become_weights_and_too_many_kinds_no_mix() -> None:
    a, b = Request("/a"), Request("/b")
    assert mix((a, b, a)) == (Request("/a", weight=2.0), b)
    assert mix([Request(f"/{number}") for number in range(1000)]) is None


def test_rows_keep_order_and_whatever_bodies_hold() -> None:
    bodies = ['a,"b"\nc', "", "{{uuid}}"]
    found = rows([Request("/k", "PUT", body=body) for body in bodies], lambda n: f"/t/{n}.csv", "x")
    assert found is not None
    (table,) = found
    assert list(csv.DictReader(io.StringIO(table.table))) == [
        {"path": "k", "body": body} for body in bodies
    ]
    assert table.request.path == "/{{csv:/t/0.csv:path}}"
    assert (table.request.weight, table.request.name) == (3.0, "PUT x")


def test_writing_methods_are_told_from_reading_ones() -> None:
    put = Request("/", "PUT")
    assert writing((Request("/"), Request("/", "HEAD"), put)) == (put,)
