"""From the bytes of a request's head to what is asked; pure.

Strict where leniency would let two readers see two requests (RFC 9112): bare CR or LF,
folded lines, space before a colon, and conflicting lengths are refused.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

from syncline_cases.httpd.limits import Limits
from syncline_cases.httpd.refusal import Refusal

END_OF_HEAD = b"\r\n\r\n"

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET = re.compile(rb"[\x21-\x7e]+")
_VERSION = re.compile(rb"HTTP/([0-9])\.([0-9])")
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_KNOWN = frozenset((b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT"))


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a file.

    Attributes:
        head_only: HEAD instead of GET.
        allowed: False if the method is one that this server knows and never allows.
        target: as it was sent.
        keep_alive: the client wants to go on.
        old: HTTP/1.0, where going on must be confirmed.
        body_bytes: how many bytes of body follow; None if only reading them could tell.
        etags, modified_since: the client's conditions, as they were sent.
    """

    head_only: bool
    allowed: bool
    target: bytes
    keep_alive: bool
    old: bool
    body_bytes: int | None
    etags: bytes | None
    modified_since: bytes | None


def parse(head: bytes, limits: Limits) -> Request:
    """The request of a whole head, without the empty line that ends it.

    Raises:
        Refusal: with the status that RFC 9110 and 9112 ask for.
    """
    if _CONTROL.search(head):
        raise Refusal(HTTPStatus.BAD_REQUEST)
    line, *lines = head.split(b"\r\n")
    if len(line) > limits.line_bytes:
        raise Refusal(HTTPStatus.REQUEST_URI_TOO_LONG)
    method, target, old = _request_line(line)
    header = _header(lines, limits)
    _check_host(header, old)
    _check_method(method)
    expectation = header.get(b"expect")
    if expectation is not None and expectation.lower() != b"100-continue":
        raise Refusal(HTTPStatus.EXPECTATION_FAILED)
    return Request(
        head_only=method == b"HEAD",
        allowed=method in (b"GET", b"HEAD"),
        target=target,
        keep_alive=_keep_alive(header, old),
        old=old,
        # A client that waits for 100 Continue gets the answer instead, and may or may not
        # send the body then.
        body_bytes=_body_bytes(header, old) if expectation is None else None,
        etags=header.get(b"if-none-match"),
        modified_since=header.get(b"if-modified-since"),
    )


def _request_line(line: bytes) -> tuple[bytes, bytes, bool]:
    parts = line.split(b" ")
    if len(parts) != 3:
        raise Refusal(HTTPStatus.BAD_REQUEST)
    method, target, version = parts
    number = _VERSION.fullmatch(version)
    if number is None or not _TOKEN.fullmatch(method) or not _TARGET.fullmatch(target):
        raise Refusal(HTTPStatus.BAD_REQUEST)
    if number[1] != b"1":
        raise Refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    return method, target, number[2] == b"0"


def _header(lines: list[bytes], limits: Limits) -> dict[bytes, bytes]:
    if len(lines) > limits.header_count:
        raise Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    header: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name):
            raise Refusal(HTTPStatus.BAD_REQUEST)
        name, value = name.lower(), value.strip(b" \t")
        header[name] = header[name] + b", " + value if name in header else value
    return header


def _check_host(header: dict[bytes, bytes], old: bool) -> None:
    # Two Host fields were joined by a comma, which no host may hold.
    host = header.get(b"host")
    if host is None and old:
        return
    if host is None or not _HOST.fullmatch(host):
        raise Refusal(HTTPStatus.BAD_REQUEST)


def _check_method(method: bytes) -> None:
    if method not in (b"GET", b"HEAD") and method not in _KNOWN:
        raise Refusal(HTTPStatus.NOT_IMPLEMENTED)


def _keep_alive(header: dict[bytes, bytes], old: bool) -> bool:
    value = header.get(b"connection")
    if value is None:
        return not old
    options = {option.strip() for option in value.lower().split(b",")}
    return b"close" not in options and (not old or b"keep-alive" in options)


def _body_bytes(header: dict[bytes, bytes], old: bool) -> int | None:
    length = header.get(b"content-length")
    coding = header.get(b"transfer-encoding")
    if coding is not None:
        if length is not None or old:
            raise Refusal(HTTPStatus.BAD_REQUEST)
        if coding.lower() != b"chunked":
            raise Refusal(HTTPStatus.NOT_IMPLEMENTED)
        return None
    if length is None:
        return 0
    if not length.isdigit() or len(length) > 18:
        raise Refusal(HTTPStatus.BAD_REQUEST)
    return int(length)
