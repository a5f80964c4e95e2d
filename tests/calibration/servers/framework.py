"""A server in a process of its own: how it starts, how it is asked, how it ends.

The process is forked from a clean server process (never from the tests', which may have
threads) and ends by itself when the test's end of its pipe closes, however that happens.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol, TypeAlias

from .truth import Truth

Listener: TypeAlias = socket.socket

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["__main__", __name__])

_ANSWER_WITHIN_S = 15.0


class Program(Protocol):
    """What a server process runs: it serves until ``control`` closes, and answers on it."""

    def __call__(self, listener: Listener, control: Connection) -> None: ...


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a server listens.

    Attributes:
        host: an address, IPv4 or IPv6.
        unix: the path of a Unix socket instead.
        backlog: the length of the queue of connections not yet accepted.
        scheme: of the address that is given to clients.
        cpu: the core to pin the process to, if there is such a core.
    """

    host: str = "127.0.0.1"
    unix: Path | None = None
    backlog: int = 4096
    scheme: str = "http"
    cpu: int | None = None

    def open(self) -> Listener:
        """A listening socket on a free port."""
        if self.unix is not None:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(str(self.unix))
        else:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            listener = socket.socket(family, socket.SOCK_STREAM)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, 0))
        listener.listen(self.backlog)
        return listener


@dataclass(slots=True)
class Server:
    """The test's end of a server process."""

    url: str
    port: int
    pid: int
    _process: multiprocessing.process.BaseProcess
    _control: Connection
    _last: Truth | None = field(default=None)

    def truth(self) -> Truth:
        """What it saw, once every connection has ended; of a dead server, its last words."""
        if self._last is None:
            answer = self._ask("truth")
            assert isinstance(answer, Truth)
            self._last = answer
        return self._last

    def requests_so_far(self) -> int:
        """How many requests it has received up to now."""
        answer = self._ask("count")
        if isinstance(answer, Truth):
            self._last = answer
            return answer.requests
        assert isinstance(answer, int)
        return answer

    def stop(self) -> None:
        """End it; a server that has ended already is left in peace."""
        self._control.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(5)
        self._process.close()

    def _ask(self, what: str) -> object:
        # A dying server leaves its last words in the pipe before it goes, so a broken pipe
        # on sending says nothing yet about what can be read.
        with contextlib.suppress(BrokenPipeError):
            self._control.send(what)
        if not self._control.poll(_ANSWER_WITHIN_S):
            raise AssertionError(f"the server did not answer {what!r} in {_ANSWER_WITHIN_S} s")
        return self._control.recv()


@contextlib.contextmanager
def serve(
    program: Program,
    listen: Listen | None = None,
    prepare: Callable[[Listener], None] | None = None,
) -> Iterator[Server]:
    """A running server; it is stopped at the end of the block.

    Args:
        program: what the process runs; must be picklable.
        listen: where.
        prepare: called with the listening socket before the process starts.
    """
    place = listen or Listen()
    listener = place.open()
    if prepare is not None:
        prepare(listener)
    ours, theirs = _context.Pipe()
    process = _context.Process(target=_main, args=(program, listener, theirs, place.cpu))
    process.start()
    theirs.close()
    port = 0 if place.unix else listener.getsockname()[1]
    listener.close()
    if ours.recv() != "ready":
        raise AssertionError("the server did not become ready")
    assert process.pid is not None
    server = Server(_url(place, port), port, process.pid, process, ours)
    try:
        yield server
    finally:
        server.stop()


def last_words(control: Connection, truth: Truth) -> None:
    """Tell the truth, then die at once as by SIGKILL: no goodbye on any connection."""
    control.send(truth)
    os.kill(os.getpid(), signal.SIGKILL)


def _url(place: Listen, port: int) -> str:
    if place.unix is not None:
        return f"unix://{place.unix}"
    host = f"[{place.host}]" if ":" in place.host else place.host
    return f"{place.scheme}://{host}:{port}"


def _main(program: Program, listener: Listener, control: Connection, cpu: int | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if cpu is not None and cpu in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {cpu})
    control.send("ready")
    with contextlib.suppress(EOFError, OSError):
        program(listener, control)
    os._exit(0)


@dataclass(frozen=True, slots=True)
class ServerTls:
    """What a TLS server shows: a PEM file of its certificate chain and key.

    Attributes:
        client_ca: a PEM file of the authority whose client certificates are demanded.
    """

    cert_file: str
    client_ca: str | None = None

    def context(self) -> ssl.SSLContext:
        """A context for the server's side."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert_file)
        if self.client_ca is not None:
            context.load_verify_locations(self.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context
