"""One client's connection: bytes in, requests found in them, responses out."""

import logging
import os
import socket
import struct
import time
from collections.abc import Callable
from http import HTTPStatus

from syncline_cases.httpd.files import Root
from syncline_cases.httpd.limits import Limits
from syncline_cases.httpd.refusal import Refusal
from syncline_cases.httpd.request import END_OF_HEAD, parse
from syncline_cases.httpd.response import Response, head, refuse, respond

LogLine = Callable[[str, bytes, int, int], None]

_CHUNK = 64 * 1024
_logger = logging.getLogger(__name__)


class Connection:
    """Bytes that have come and what they amount to; used by one thread at a time.

    The system's own time-outs on the socket bound every read and write, so a read costs one
    system call, where Python's ``settimeout`` adds a poll to each.

    Attributes:
        deadline: when the client has been silent, or slow with its request, for too long.
        stopping: the next response is the last.
    """

    def __init__(
        self, sock: socket.socket, peer: str, root: Root, limits: Limits, log: LogLine | None
    ) -> None:
        self.deadline = time.monotonic() + limits.idle_s
        self.stopping = False
        self._sock = sock
        self._peer = peer
        self._root = root
        self._limits = limits
        self._log = log
        self._buffer = b""
        self._skip = 0  # bytes of a body that is thrown away
        self._inside = False  # a request has begun and not ended
        self._linger = False  # bytes may stay unread
        _set_timeout(sock, socket.SO_RCVTIMEO, limits.idle_s)
        _set_timeout(sock, socket.SO_SNDTIMEO, limits.send_s)

    def fileno(self) -> int:
        return self._sock.fileno()

    def receive(self) -> bool:
        """Reads once. False if nothing more will come; a client cut off in a request is told."""
        try:
            if self._inside:
                remaining = self.deadline - time.monotonic()
                if remaining <= 0:
                    return self._give_up()
                _set_timeout(self._sock, socket.SO_RCVTIMEO, remaining)
            data = self._sock.recv(_CHUNK)
        except BlockingIOError:
            return self._give_up()
        except OSError:
            return False
        if not data:
            return self._give_up() if time.monotonic() >= self.deadline else False
        if self._skip:
            taken = min(self._skip, len(data))
            self._skip -= taken
            data = data[taken:]
        self._buffer = self._buffer + data if self._buffer else data
        return True

    def answer(self) -> bool:
        """Answers every whole request that has come. False if the connection is over."""
        data, at = self._buffer, 0
        try:
            while not self._skip:
                while data.startswith(b"\r\n", at):  # tolerated before a request (RFC 9112, 2.2)
                    at += 2
                end = data.find(END_OF_HEAD, at)
                if end < 0 or end - at > self._limits.head_bytes:
                    self._check_part(data[at:])
                    break
                raw = data[at:end]
                at = end + len(END_OF_HEAD)
                going_on, body_bytes = self._answer_one(raw)
                if not going_on:
                    return False
                skipped = min(body_bytes, len(data) - at)
                at += skipped
                self._skip = body_bytes - skipped
        except Refusal as refusal:
            line = data[at : at + self._limits.line_bytes].partition(b"\r\n")[0]
            return self._refuse(refusal.status, line)
        except OSError:  # the client left, or takes its response too slowly
            return False
        except Exception:
            _logger.exception("a request could not be answered")
            return self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, b"")
        self._buffer = data[at:]
        self._wait_for_more()
        return True

    def interrupt(self) -> None:
        """Ends reading from another thread; what has come is still answered."""
        self.stopping = True
        try:
            self._sock.shutdown(socket.SHUT_RD)
        except OSError:
            return

    def close(self) -> None:
        try:
            if self._linger:
                self._drain()
        except OSError:
            pass
        finally:
            self._sock.close()

    def _answer_one(self, raw: bytes) -> tuple[bool, int]:
        """Whether the connection goes on, and how many bytes of body come first."""
        line = raw.partition(b"\r\n")[0]
        try:
            request = parse(raw, self._limits)
        except Refusal as refusal:
            return self._refuse(refusal.status, line), 0
        body_bytes = request.body_bytes
        too_long = body_bytes is not None and body_bytes > self._limits.body_bytes
        response = refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE) if too_long else None
        readable = body_bytes is not None and not too_long
        going_on = request.keep_alive and readable and not self.stopping
        self._linger = not going_on
        self._send(response or respond(self._root, request), line, going_on, request.old)
        return going_on, body_bytes or 0

    def _check_part(self, part: bytes) -> None:
        """Refuses the start of a request that no continuation can make good."""
        if b"\r\n" not in part:
            if len(part) > self._limits.line_bytes:
                raise Refusal(HTTPStatus.REQUEST_URI_TOO_LONG)
            if b"\n" in part:
                raise Refusal(HTTPStatus.BAD_REQUEST)
        elif len(part) > self._limits.head_bytes:
            raise Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _wait_for_more(self) -> None:
        inside = bool(self._buffer) or self._skip > 0
        if not inside:
            self.deadline = time.monotonic() + self._limits.idle_s
            if self._inside:
                _set_timeout(self._sock, socket.SO_RCVTIMEO, self._limits.idle_s)
        elif not self._inside:
            self.deadline = time.monotonic() + self._limits.request_s
        self._inside = inside

    def _give_up(self) -> bool:
        if self._inside and not self._skip:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, self._buffer.partition(b"\r\n")[0])
        return False

    def _refuse(self, status: HTTPStatus, line: bytes) -> bool:
        self._linger = True
        try:
            self._send(refuse(status), line, keep_alive=False, old=False)
        except OSError:
            self._linger = False
        return False

    def _send(self, response: Response, line: bytes, keep_alive: bool, old: bool) -> None:
        start = head(response, keep_alive, old)
        try:
            if response.file is None:
                self._send_bytes(start + response.body)
            else:
                self._sock.send(start, socket.MSG_MORE)
                self._send_file(response.file, response.length or 0)
        finally:
            if response.file is not None:
                os.close(response.file)
        if self._log is not None:
            sent = len(response.body) if response.file is None else response.length
            self._log(self._peer, line, response.status, sent or 0)

    def _send_bytes(self, data: bytes) -> None:
        if self._sock.send(data) != len(data):
            raise TimeoutError("the client takes its response too slowly")

    def _send_file(self, descriptor: int, size: int) -> None:
        offset = 0
        while offset < size:
            deadline = time.monotonic() + self._limits.send_s
            window_end = min(size, offset + self._limits.send_window_bytes)
            while offset < window_end:
                sent = os.sendfile(self.fileno(), descriptor, offset, window_end - offset)
                if sent == 0:
                    raise ConnectionAbortedError("the file became shorter while it was sent")
                offset += sent
                if time.monotonic() > deadline:
                    raise TimeoutError("the client takes its response too slowly")

    def _drain(self) -> None:
        """Reads on for a moment: closing with bytes unread would reset, and lose, the response."""
        self._sock.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + self._limits.linger_s
        while (remaining := deadline - time.monotonic()) > 0:
            _set_timeout(self._sock, socket.SO_RCVTIMEO, remaining)
            if not self._sock.recv(_CHUNK):
                return


def _set_timeout(sock: socket.socket, option: int, seconds: float) -> None:
    # Zero would mean for ever.
    microseconds = max(1, int(seconds * 1_000_000))
    value = struct.pack("@ll", *divmod(microseconds, 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, option, value)
