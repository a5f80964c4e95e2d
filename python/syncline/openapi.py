"""Requests that an OpenAPI document (3.x, or Swagger 2) tells how to make, and why others not.

Only GET operations are taken: whatever else may write. Of a parameter that is required, a value
is needed: its examples, its default or its enumeration, in this order; an operation with a
required parameter without any is left out, as is one that wants authorisation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from syncline.plan import Request

_REF_DEPTH = 16
_MOST_VALUES = 20
# What may stand in any part of a URL as it is (RFC 3986, unreserved).
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_STREAMS = ("text/event-stream", "multipart/x-mixed-replace")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An operation that is not sent, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What a document offers.

    Attributes:
        requests: in the document's order.
        left_out: the GET operations that cannot be sent without more being said.
        writing: how many operations of other methods there are.
    """

    requests: tuple[Request, ...]
    left_out: tuple[LeftOut, ...] = ()
    writing: int = 0


class _Unknown(Exception):
    """A required value cannot be told; the text says which and why."""


def offer(document: object) -> Offer:
    """The GET operations of a document that can be sent as it describes them.

    What does not look like OpenAPI is passed over: the document comes from a service.
    """
    root = document if isinstance(document, Mapping) else {}
    requests: list[Request] = []
    left_out: list[LeftOut] = []
    writing = 0
    base = _base(root)
    for path, item in _mapping(root.get("paths")).items():
        shared = _mapping(_resolved(root, item))
        for method, operation in shared.items():
            if method not in ("get", "post", "put", "patch", "delete"):
                continue
            if method != "get":
                writing += 1
                continue
            name = f"GET {path}"
            try:
                requests.append(_request(root, base, path, shared, _mapping(operation)))
            except _Unknown as error:
                left_out.append(LeftOut(name, str(error)))
    return Offer(tuple(requests), tuple(left_out), writing)


def _base(root: Mapping[str, Any]) -> str:
    """The path before all paths, of a server that is given without a host."""
    servers = root.get("servers")
    url = str(servers[0].get("url", "")) if isinstance(servers, list) and servers else ""
    found = url if url.startswith("/") else str(root.get("basePath", ""))
    return found.rstrip("/")


def _request(
    root: Mapping[str, Any],
    base: str,
    path: str,
    shared: Mapping[str, Any],
    operation: Mapping[str, Any],
) -> Request:
    security = operation.get("security", root.get("security"))
    if isinstance(security, list) and security and {} not in security:
        raise _Unknown("it wants authorisation: a setup request can log in")
    if _streams(operation):
        raise _Unknown("its answer is a stream, which does not end")
    # The engine carries templates out, and some read files: the document must not write any.
    if "{{" in base + path:
        raise _Unknown("its path has braces that would be a template")
    line, query, headers, templates = path, [], [], False
    for parameter in _parameters(root, shared, operation):
        name, place = str(parameter.get("name")), parameter.get("in")
        required = bool(parameter.get("required")) or place == "path"
        values = _values(root, parameter, required=required)
        if not values:
            if required:
                raise _Unknown(f"{name} is required and has no example, default or enum")
            continue
        text, templated = _text(values, escape=place in ("path", "query"))
        templates |= templated
        if place == "path":
            line = line.replace(f"{{{name}}}", text)
        elif place == "query":
            query.append(f"{_escaped(name)}={text}")
        elif place == "header":
            if "{{" in text and not templated:
                raise _Unknown(f"the value of {name} has braces that would be a template")
            headers.append((name, text))
        elif required:
            raise _Unknown(f"{name} is required in a {place}")
    if "{" in line.replace("{{", ""):
        raise _Unknown("its path has a part that no parameter describes")
    full = f"{base}{line}" + (f"?{'&'.join(query)}" if query else "")
    if not full.startswith("/"):
        raise _Unknown("its path does not begin with /")
    return Request(full, name=f"GET {base}{path}", headers=tuple(headers), templates=templates)


def _parameters(
    root: Mapping[str, Any], shared: Mapping[str, Any], operation: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Those of the operation; those of its path that it does not say otherwise."""
    found: dict[tuple[object, object], Mapping[str, Any]] = {}
    for source in (shared, operation):
        listed = source.get("parameters")
        for item in listed if isinstance(listed, list) else ():
            parameter = _mapping(_resolved(root, item))
            found[parameter.get("name"), parameter.get("in")] = parameter
    yield from found.values()


def _values(root: Mapping[str, Any], parameter: Mapping[str, Any], *, required: bool) -> list[Any]:
    """The values that are known of a parameter; of an optional one only its examples."""
    # Swagger 2 has the schema's words in the parameter itself.
    schema = _mapping(_resolved(root, parameter.get("schema", parameter)))
    for part in ("anyOf", "oneOf", "allOf"):
        listed = schema.get(part)
        for branch in listed if isinstance(listed, list) else ():
            schema = {**_mapping(_resolved(root, branch)), **schema}
    examples = parameter.get("examples")
    named = (
        [item.get("value") for item in map(_mapping, examples.values())]
        if isinstance(examples, Mapping)
        else []
    )
    listed = schema.get("examples")
    candidates: list[list[Any]] = [
        [parameter["example"]] if "example" in parameter else [],
        named,
        [schema["example"]] if "example" in schema else [],
        listed if isinstance(listed, list) else [],
    ]
    if required:
        enum = schema.get("enum")
        candidates += [
            [schema["default"]] if "default" in schema else [],
            [schema["const"]] if "const" in schema else [],
            enum if isinstance(enum, list) else [],
        ]
    for values in candidates:
        usable = [value for value in values if isinstance(value, str | int | float)]
        if usable:
            return usable[:_MOST_VALUES]
    return []


def _text(values: list[Any], *, escape: bool) -> tuple[str, bool]:
    """The values on the wire: one as it is, several as a template that chooses among them."""
    words = [value if isinstance(value, str) else json.dumps(value) for value in values]
    words = [word for word in words if "\r" not in word and "\n" not in word] or [""]
    if escape:
        words = [_escaped(word) for word in words]
    # A bar or a brace inside a value would be read as the template's own.
    if len(words) == 1 or any(set(word) & set("|{}\\") for word in words):
        return words[0], False
    return f"{{{{choice:{'|'.join(words)}}}}}", True


def _escaped(text: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode("utf-8"))


def _streams(operation: Mapping[str, Any]) -> bool:
    for answer in _mapping(operation.get("responses")).values():
        if any(kind in _STREAMS for kind in _mapping(_mapping(answer).get("content"))):
            return True
    return False


def _resolved(root: Mapping[str, Any], node: object) -> object:
    """What a ``$ref`` inside the document points to; such a ref may point to another."""
    for _ in range(_REF_DEPTH):
        target = _mapping(node).get("$ref")
        if not isinstance(target, str) or not target.startswith("#/"):
            return node
        node = root
        for part in target[2:].split("/"):
            node = _mapping(node).get(part.replace("~1", "/").replace("~0", "~"))
    return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
