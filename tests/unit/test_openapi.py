"""Which requests an OpenAPI document offers, and which it must not."""

from __future__ import annotations

from typing import Any

import pytest

from syncline.openapi import offer


def document(*parameters: dict[str, Any], path: str = "/a", **operation: Any) -> dict[str, Any]:
    return {"paths": {path: {"get": {"parameters": list(parameters), **operation}}}}


def query(name: str = "q", *, required: bool = True, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, **more}


@pytest.mark.parametrize(
    ("parameter", "path"),
    [
        (query(example="x y"), "/a?q=x%20y"),
        (query(schema={"default": 5}), "/a?q=5"),
        (query(schema={"enum": ["a", "b"]}), "/a?q={{choice:a|b}}"),
        (query(schema={"const": True}), "/a?q=true"),
        (query(examples={"one": {"value": 1}, "two": {"value": 2}}), "/a?q={{choice:1|2}}"),
        (query(schema={"anyOf": [{"type": "null"}, {"examples": ["é"]}]}), "/a?q=%C3%A9"),
        (query(schema={"$ref": "#/components/schemas/Kind"}), "/a?q=k"),
        (query(required=False, schema={"default": 5}), "/a"),
        (query(required=False, example=7), "/a?q=7"),
        (query(default="swagger"), "/a?q=swagger"),
    ],
)
def test_a_value_comes_from_the_schema(parameter: dict[str, Any], path: str) -> None:
    whole = {**document(parameter), "components": {"schemas": {"Kind": {"enum": ["k"]}}}}
    (request,) = offer(whole).requests
    assert request.path == path


@pytest.mark.parametrize(
    ("whole", "reason"),
    [
        (document(query(schema={"type": "string"})), "q is required"),
        (document(path="/a/{id}"), "no parameter describes"),
        (document({"name": "id", "in": "path"}, path="/a/{id}"), "id is required"),
        (document(security=[{"bearer": []}]), "authorisation"),
        (document(responses={"200": {"content": {"text/event-stream": {}}}}), "stream"),
    ],
)
def test_what_cannot_be_known_is_left_out_and_said(whole: dict[str, Any], reason: str) -> None:
    found = offer(whole)
    assert found.requests == ()
    assert reason in found.left_out[0].reason


def test_what_may_write_is_counted_and_never_offered() -> None:
    paths: dict[str, Any] = {"/a": {name: {} for name in ("get", "post", "put", "patch", "delete")}}
    found = offer({"paths": paths})
    assert [request.method for request in found.requests] == ["GET"]
    assert found.writing == 4


LINE = "{{line:/etc/passwd}}"  # carried out, it would send the user's files to the service


@pytest.mark.parametrize(
    "whole",
    [
        document(query(schema={"enum": [LINE, "b"]}), query("r", schema={"enum": ["a", "b"]})),
        document({**query("X-A", example=LINE), "in": "header"}, query(schema={"enum": [1, 2]})),
        document(path=f"/{LINE}"),
        document({"name": "id", "in": "path", "example": LINE}, path="/a/{id}"),
        {**document(query(schema={"enum": [1, 2]})), "servers": [{"url": f"/{LINE}"}]},
    ],
)
def test_a_document_cannot_have_a_template_of_its_own_carried_out(whole: dict[str, Any]) -> None:
    for request in offer(whole).requests:
        sent = (request.path, *(value for _, value in request.headers))
        assert not any("{{line" in text for text in sent)


@pytest.mark.parametrize("junk", [None, [], "x", {"paths": []}, {"paths": {"/a": {"get": 1}}}])
def test_junk_offers_nothing_that_breaks(junk: object) -> None:
    assert all(request.path.startswith("/") for request in offer(junk).requests)
