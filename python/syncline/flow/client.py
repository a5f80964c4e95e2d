"""One virtual user's connection: blocking HTTP/1.1 by the standard library, with bounds.

The kinds of errors are the engine's. A broken connection is closed and opened anew with the next
request; nothing is sent twice.
"""

from __future__ import annotations

import errno
import http.client
import select
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic_ns
from urllib.parse import urlsplit

from syncline.outcome import ErrorKind
from syncline.plan import Plan

_CHUNK = 65536
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM})


class ExchangeError(Exception):
    """A request got no whole answer."""

    def __init__(self, kind: ErrorKind, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.kind = kind
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and its instants, on CLOCK_MONOTONIC."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    sent_ns: int
    first_byte_ns: int
    end_ns: int
    bytes_in: int
    bytes_out: int


class Client:
    """A connection that is opened when it is needed and kept while the server keeps it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._url = urlsplit(plan.target)
        self._line: http.client.HTTPConnection | None = None
        self._tls = _context(plan) if self._url.scheme == "https" else None
        self._jar: dict[str, str] = {}
        # The user's share of the figures on connections.
        self.opened = 0
        self.failed = 0
        self.connect_ns: list[int] = []

    def close(self) -> None:
        """Gives the connection up."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def forget_cookies(self) -> None:
        """Begins a new session."""
        self._jar.clear()

    def exchange(
        self, method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes | None
    ) -> Answer:
        """Sends one request and reads its whole answer.

        Raises:
            ExchangeError: there was none.
        """
        line = self._connected()
        if line.sock is None:
            raise AssertionError("an open connection has a socket")
        sent_ns = monotonic_ns()
        try:
            return self._exchange(line, method, path, headers, body, sent_ns)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            spent_s = (monotonic_ns() - sent_ns) / 1e9
            kind = _kind(error, total=spent_s >= self._plan.timeouts.total_s)
            raise ExchangeError(kind, str(error) or type(error).__name__, sent=True) from None

    def _exchange(
        self,
        line: http.client.HTTPConnection,
        method: str,
        path: str,
        headers: Iterable[tuple[str, str]],
        body: bytes | None,
        sent_ns: int,
    ) -> Answer:
        self._bound(line, sent_ns)
        wire = list(self._headers(headers, body))
        line.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in wire:
            line.putheader(name, value)
        line.endheaders(body)
        response = line.getresponse()
        first_byte_ns = monotonic_ns()
        pieces: list[bytes] = []
        while True:
            self._bound(line, sent_ns)
            piece = response.read1(_CHUNK)
            if not piece:
                break
            pieces.append(piece)
        if response.length:  # read1 tells an early end by an empty piece only
            raise http.client.IncompleteRead(b"", response.length)
        response.close()  # before CPython 3.12, a body read to its end by read1 stays open
        end_ns = monotonic_ns()
        found = tuple(response.getheaders())
        if self._plan.cookies:
            self._take_cookies(found)
        if response.will_close or not self._plan.keep_alive:
            self.close()
        data = b"".join(pieces)
        size = sum(len(name) + len(value) + 4 for name, value in found)
        out = sum(len(name) + len(value) + 4 for name, value in wire) + len(body or b"")
        return Answer(
            response.status,
            found,
            data,
            sent_ns,
            first_byte_ns,
            end_ns,
            bytes_in=size + len(data) + 17,
            bytes_out=out + len(method) + len(path) + 14,
        )

    def _bound(self, line: http.client.HTTPConnection, sent_ns: int) -> None:
        bounds = self._plan.timeouts
        left_s = bounds.total_s - (monotonic_ns() - sent_ns) / 1e9
        if left_s <= 0:
            raise TimeoutError("not whole within the total timeout")
        if line.sock is not None:
            line.sock.settimeout(min(bounds.response_s, left_s))

    def _headers(
        self, headers: Iterable[tuple[str, str]], body: bytes | None
    ) -> Iterable[tuple[str, str]]:
        given = list(headers)
        names = {name.lower() for name, _ in given}
        if "host" not in names:
            yield "Host", self._url.netloc or "localhost"
        if "user-agent" not in names and self._plan.user_agent:
            yield "User-Agent", self._plan.user_agent
        if body is not None:
            yield "Content-Length", str(len(body))
        if not self._plan.keep_alive:
            yield "Connection", "close"
        if self._jar and "cookie" not in names:
            yield "Cookie", "; ".join(f"{name}={value}" for name, value in self._jar.items())
        yield from ((name, value) for name, value in given if name.lower() != "content-length")

    def _take_cookies(self, headers: Iterable[tuple[str, str]]) -> None:
        for name, value in headers:
            if name.lower() == "set-cookie":
                key, equals, text = value.partition(";")[0].partition("=")
                if equals:
                    self._jar[key.strip()] = text.strip()

    def _connected(self) -> http.client.HTTPConnection:
        if self._line is not None and self._line.sock is not None and _idle(self._line.sock):
            return self._line
        self.close()
        began_ns = monotonic_ns()
        try:
            self._line = self._open()
        except OSError as error:
            self.failed += 1
            self.connect_ns.append(monotonic_ns() - began_ns)
            raise ExchangeError(
                _connect_kind(error), str(error) or type(error).__name__, sent=False
            ) from None
        self.opened += 1
        self.connect_ns.append(monotonic_ns() - began_ns)
        return self._line

    def _open(self) -> http.client.HTTPConnection:
        bound_s = self._plan.timeouts.connect_s
        if self._url.scheme == "unix":
            plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            plain.settimeout(bound_s)
            plain.connect(self._url.path)
        else:
            plain = socket.create_connection(self._address(), bound_s)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = http.client.HTTPConnection(self._url.hostname or "localhost")
        line.auto_open = 0
        line.sock = plain
        if self._tls is not None:
            name = self._plan.tls.server_name or self._url.hostname
            line.sock = self._tls.wrap_socket(plain, server_hostname=name)
        return line

    def _address(self) -> tuple[str, int]:
        port = self._url.port or (443 if self._tls else 80)
        host = self._plan.addresses[0] if self._plan.addresses else self._url.hostname
        return host or "", port


def _idle(plain: socket.socket) -> bool:
    """Whether nothing came since the last answer: an end that did would break the next request."""
    poll = select.poll()  # select() itself fails for descriptors above 1023
    poll.register(plain, select.POLLIN)
    return not poll.poll(0)


def _context(plan: Plan) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=plan.tls.ca_file)
    if not plan.tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if plan.tls.cert_file is not None:
        context.load_cert_chain(plan.tls.cert_file, plan.tls.key_file)
    return context


def _connect_kind(error: OSError) -> ErrorKind:
    match error:
        case socket.gaierror():
            return "dns"
        case ssl.SSLError():
            return "tls"
        case TimeoutError():
            return "connect-timeout"
        case ConnectionRefusedError():
            return "connect-refused"
        case _:
            return "generator-limit" if error.errno in _NO_ROOM else "connect-reset"


def _kind(error: Exception, *, total: bool) -> ErrorKind:
    match error:
        case TimeoutError():
            return "total-timeout" if total else "response-timeout"
        case http.client.RemoteDisconnected():
            return "closed-early"
        case http.client.IncompleteRead():
            return "incomplete-body"
        case http.client.LineTooLong():
            return "header-too-large"
        case ssl.SSLError():
            return "tls"
        case OSError():
            return "reset"
        case _:
            return "bad-response"
