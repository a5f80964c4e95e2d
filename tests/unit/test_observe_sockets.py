"""The kernel's sockets are asked for again after a failure, and given up after several."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from syncline.observe import sockets
from syncline.observe.sockdiag import SockDiag, Socket
from syncline.observe.sockets import Sockets


@pytest.fixture
def port() -> Iterator[int]:
    """Of a listener with one connection on which four bytes lie unread."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0],
    ):
        client.sendall(b"data")
        yield listener.getsockname()[1]


def failing(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Lets so many of the next dumps fail as they do on a machine that stands still."""
    left = [times]

    def dump(self: SockDiag, port: int) -> list[Socket]:
        if left[0]:
            left[0] -= 1
            raise TimeoutError("timed out")
        return whole(self, port)

    whole = SockDiag.sockets
    monkeypatch.setattr(SockDiag, "sockets", dump)


def test_a_failed_dump_is_a_gap_and_the_next_sample_asks_again(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, sockets._FAILURES - 1)
    observer = Sockets(port)
    try:
        for _ in range(sockets._FAILURES - 1):
            found = observer.sample(0)
            assert found["sockets.unread_longest_s"] is None
            assert (found["sockets.unread"], found["sockets.unread_bytes"]) == (1, 4)
        found = observer.sample(0)
        assert found["sockets.unread_longest_s"] is not None
        assert (found["sockets.unread"], found["sockets.unread_bytes"]) == (1, 4)
        assert observer.observations() == ()
    finally:
        observer.close()


def test_several_failures_in_a_row_end_it_and_are_said(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, sockets._FAILURES)
    observer = Sockets(port)
    try:
        for _ in range(sockets._FAILURES + 1):
            found = observer.sample(0)
        assert "sockets.unread_longest_s" not in found
        assert found["sockets.unread"] == 1
        (note,) = observer.observations()
        assert note.text == "For how long data lie unread cannot be seen: timed out."
    finally:
        observer.close()
