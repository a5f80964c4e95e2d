"""What steps take from answers, and how it goes into requests."""

from __future__ import annotations

import pytest

from syncline.errors import MeasurementError, PlanError
from syncline.plan import Request
from syncline.provision import Provision, address_env
from syncline.steps import Answer, Capture, Checks, Step, captured, json_path, with_captures

ANSWER = Answer(
    200,
    (("ETag", '"e1"'), ("Set-Cookie", "sid=abc; Path=/"), ("Content-Type", "application/json")),
    '{"token": "t/1", "items": [{"id": 7}], "deep": {"x": null}}',
)


@pytest.mark.parametrize(
    ("capture", "value"),
    [
        (Capture("a", "json", "token"), "t/1"),
        (Capture("a", "json", "$.items[0].id"), "7"),
        (Capture("a", "header", "etag"), '"e1"'),
        (Capture("a", "cookie", "sid"), "abc"),
        (Capture("a", "regex", r'"id": (\d+)'), "7"),
    ],
)
def test_a_value_is_captured(capture: Capture, value: str) -> None:
    assert captured(Step(Request(), (capture,)), ANSWER) == {"a": value}


@pytest.mark.parametrize(
    ("source", "expression"),
    [("json", "nosuch"), ("json", "deep"), ("json", "deep.x"), ("json", "items[9]")],
)
def test_what_is_not_there_is_said(source: str, expression: str) -> None:
    step = Step(Request("/login"), (Capture("a", "json", expression),))
    with pytest.raises(MeasurementError, match="GET /login holds nothing to capture as a"):
        captured(step, ANSWER)


@pytest.mark.parametrize("body", ['{"a": "{{line:/etc/passwd}}"}', '{"a": "x\\r\\nX: y"}'])
def test_a_service_cannot_have_a_template_or_a_header_smuggled_in(body: str) -> None:
    step = Step(Request(), (Capture("a", "json", "a"),))
    with pytest.raises(MeasurementError, match="cannot be sent on safely"):
        captured(step, Answer(200, (), body))


@pytest.mark.parametrize(
    ("checks", "says"),
    [
        (Checks(contains=("gone",)), "holds no 'gone'"),
        (Checks(json={"token": "other"}), 'has "t/1" at token, not "other"'),
        (Checks(min_items={"items": 2}), "has 1 items at items, not 2 or more"),
        (Checks(headers={"ETag": "e2"}), "holds no 'e2'"),
    ],
)
def test_a_check_that_fails_says_what_it_saw(checks: Checks, says: str) -> None:
    with pytest.raises(MeasurementError, match=says):
        captured(Step(Request(), checks=checks), ANSWER)


def test_checks_that_hold_pass() -> None:
    checks = Checks(("token",), {"items[0].id": 7}, {"ETag": "e1"}, {"items": 1})
    assert captured(Step(Request(), checks=checks), ANSWER) == {}


def test_an_unexpected_status_is_a_failure() -> None:
    with pytest.raises(MeasurementError, match="answered 500: boom"):
        captured(Step(Request()), Answer(500, (), "boom"))
    captured(Step(Request(expect=(500,))), Answer(500, (), "boom"))


def test_a_captured_value_is_escaped_as_its_place_wants_it() -> None:
    request = Request(
        "/a/{{capture:t}}",
        headers=(("Authorization", "Bearer {{capture:t}}"), ("Content-Type", "application/json")),
        body='{"t": "{{capture:t}}"}',
    )
    filled = with_captures(request, {"t": 'x/"y'})
    assert filled.path == "/a/x%2F%22y"
    assert filled.headers[0] == ("Authorization", 'Bearer x/"y')
    assert filled.body == '{"t": "x/\\"y"}'


def test_a_name_that_nobody_captured_is_an_error() -> None:
    with pytest.raises(PlanError, match="no setup request captures 'nosuch'"):
        with_captures(Request("/{{capture:nosuch}}"), {})


@pytest.mark.parametrize("path", ["a b", "a[x]", "a..b", "["])
def test_a_malformed_path_is_refused(path: str) -> None:
    with pytest.raises(PlanError, match="is no path into JSON"):
        json_path(path)


def test_an_address_goes_into_all_its_variables() -> None:
    provision = Provision(
        {"URL": "postgresql+asyncpg://{rest}", "H": "{host}", "P": "{port}", "D": "{database}"}
    )
    assert address_env(provision, "postgresql://me:p%40@db:5433/shop") == {
        "URL": "postgresql+asyncpg://me:p%40@db:5433/shop",
        "H": "db",
        "P": "5433",
        "D": "shop",
    }
