"""What is answered: a status, header fields, and a body from memory or from a file."""

import os
import time
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from mimetypes import MimeTypes

from syncline_cases.httpd.files import OpenFile, Root
from syncline_cases.httpd.paths import segments
from syncline_cases.httpd.refusal import Refusal
from syncline_cases.httpd.request import Request

SERVER = b"syncline-httpd"

# A file up to this size leaves in one write together with its head.
SMALL_BYTES = 64 * 1024

# The same types on every machine: the system's own table is not read.
_TYPES = MimeTypes(filenames=())
_ALLOW = b"Allow: GET, HEAD\r\n"


@dataclass(slots=True)
class Response:
    """An answer that is still to be sent.

    Attributes:
        fields: further lines of the header, each with its end.
        length: what Content-Length says; None leaves it out.
        body: the body, if it is in memory.
        file: a descriptor to send ``length`` bytes from; the sender closes it.
    """

    status: HTTPStatus
    fields: bytes = b""
    length: int | None = 0
    body: bytes = b""
    file: int | None = None


def respond(root: Root, request: Request) -> Response:
    """The answer to a request; refusals are answers too."""
    if not request.allowed:
        return refuse(HTTPStatus.METHOD_NOT_ALLOWED)
    try:
        file = root.open(segments(request.target))
    except Refusal as refusal:
        response = refuse(refusal.status)
    else:
        response = _of_file(file, request)
    if request.head_only:
        response.body = b""
    return response


def refuse(status: HTTPStatus) -> Response:
    """A short page that says what the status says."""
    body = b"%d %s\n" % (status, status.phrase.encode())
    fields = b"Content-Type: text/plain; charset=utf-8\r\n"
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        fields += _ALLOW
    return Response(status, fields, len(body), body)


def head(response: Response, keep_alive: bool, old: bool) -> bytes:
    """The bytes before the body. To HTTP/1.0, going on must be said; to HTTP/1.1, stopping."""
    connection = b""
    if not keep_alive:
        connection = b"Connection: close\r\n"
    elif old:
        connection = b"Connection: keep-alive\r\n"
    length = b"" if response.length is None else b"Content-Length: %d\r\n" % response.length
    return b"%bServer: %b\r\nDate: %b\r\n%b%b%b\r\n" % (
        _status_line(response.status),
        SERVER,
        http_date(int(time.time())),
        response.fields,
        length,
        connection,
    )


@lru_cache(maxsize=256)
def http_date(seconds: int) -> bytes:
    """An instant as HTTP writes it."""
    return formatdate(seconds, usegmt=True).encode()


def _of_file(file: OpenFile, request: Request) -> Response:
    keep_open = False
    try:
        etag = b'"%x-%x"' % (file.modified_ns, file.size)
        modified = min(file.modified_ns // 1_000_000_000, int(time.time()))
        fields = b"ETag: %b\r\nLast-Modified: %b\r\n" % (etag, http_date(modified))
        if _not_modified(request, etag, modified):
            return Response(HTTPStatus.NOT_MODIFIED, fields, length=None)
        fields += _content_type(_ending(file.name))
        if request.head_only:
            return Response(HTTPStatus.OK, fields, file.size)
        if file.size <= SMALL_BYTES:
            body = os.read(file.descriptor, file.size)
            return Response(HTTPStatus.OK, fields, len(body), body)
        keep_open = True
        return Response(HTTPStatus.OK, fields, file.size, file=file.descriptor)
    finally:
        if not keep_open:
            os.close(file.descriptor)


def _not_modified(request: Request, etag: bytes, modified: int) -> bool:
    if request.etags is not None:
        listed = {tag.strip().removeprefix(b"W/") for tag in request.etags.split(b",")}
        return etag in listed or b"*" in listed
    if request.modified_since is None:
        return False
    try:
        since = parsedate_to_datetime(request.modified_since.decode("ascii"))
        return modified <= since.timestamp()
    except (ValueError, OverflowError):
        return False


def _ending(name: bytes) -> bytes:
    _, dot, ending = name.rpartition(b".")
    return dot + ending if dot else b""


@lru_cache(maxsize=256)
def _content_type(ending: bytes) -> bytes:
    kind, encoding = _TYPES.guess_type("file" + os.fsdecode(ending).lower())
    if encoding is not None:
        kind = f"application/{encoding}"
    elif kind is None:
        kind = "application/octet-stream"
    elif kind.startswith("text/"):
        kind += "; charset=utf-8"
    return b"Content-Type: %b\r\n" % kind.encode("ascii")


@lru_cache(maxsize=64)
def _status_line(status: HTTPStatus) -> bytes:
    return b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode())
