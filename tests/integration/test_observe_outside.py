"""What is seen of services from outside, against services whose behaviour is known."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import statistics
import threading
from collections.abc import Callable, Iterator

import pytest

from syncline.engine import load
from syncline.launch import Service, Workspace, start_service
from syncline.observe import Watched, Watcher, outside
from syncline.observe.derive import at_instant
from syncline.outcome import LoadResult, Observation, Series
from syncline.plan import Plan, Timeouts
from syncline.trial import Variant

LEAKED = 1024
# Over two seconds even where 30,000 are answered in one: memory is read four times a second.
REQUESTS = 75_000

# Answers on one thread, with the least that asyncio does per request, and keeps what it leaks.
LEAK = f"""
import asyncio, sys
kept = []
class Http(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        kept.append(bytes({LEAKED}))
        self.transport.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nhi")
async def main():
    server = await asyncio.get_running_loop().create_server(Http, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
asyncio.run(main())
"""

# A service without any Python in it.
PERL = r"""
use IO::Socket::INET;
my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0],
    Listen => 64, ReuseAddr => 1) or die;
while (my $client = $listener->accept) {
    while (defined(my $line = <$client>)) { last if $line eq "\r\n"; }
    print $client "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
    close $client;
}
"""


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with Workspace.open() as opened:
        yield opened


def served(workspace: Workspace, *command: str) -> Service:
    return start_service(Variant("it", command=command), workspace=workspace, env={})


def watched(
    url: str, plan: Plan, pids: Callable[[], tuple[int, ...]] | None = None
) -> tuple[LoadResult, Watched]:
    """The load's result, and what was seen on its clock."""
    eyes = outside(url, pids)
    watcher = Watcher(eyes.observers)
    try:
        with watcher:
            result = load(plan)
    finally:
        for observer in eyes.observers:
            observer.close()
    assert result.started_monotonic_ns is not None
    return result, watcher.watched(result.started_monotonic_ns)


@contextlib.contextmanager
def listening(backlog: int, *, accepts: bool) -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that reads nothing, and accepts or does not."""
    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    accepted.append(listener.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        if accepts:
            thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", accepted
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            if accepts:
                thread.join(10)
            for one in accepted:
                one.close()


def known(series: Series) -> list[float]:
    return [value for value in series.value if value is not None]


def silent_plan(url: str, connections: int, duration_s: float) -> Plan:
    patient = Timeouts(connect_s=5, response_s=5, total_s=5)
    return Plan(url, connections=connections, duration_s=duration_s, timeouts=patient)


def test_a_leak_of_1_kb_per_request_shows_its_slope(workspace: Workspace) -> None:
    with served(workspace, "{python}", "-S", "-c", LEAK, "{port}") as service:
        plan = Plan(
            service.url, connections=8, duration_s=60, request_count=REQUESTS, interval_s=0.1
        )
        result, seen = watched(service.url, plan, service.pids)
    assert result.ok == REQUESTS
    rss = seen.series["process.rss_bytes"]
    ended, points = 0, []
    for interval in result.intervals:
        ended += interval.ok
        memory = at_instant(rss, interval.end_s)
        if memory is not None:
            points.append((ended, memory))
    assert len(points) >= 5
    slope = statistics.linear_regression(*zip(*points, strict=True)).slope
    assert slope == pytest.approx(LEAKED, rel=0.2)


def test_a_service_without_a_leak_shows_no_such_slope(workspace: Workspace) -> None:
    source = LEAK.replace("kept.append", "len")
    with served(workspace, "{python}", "-S", "-c", source, "{port}") as service:
        plan = Plan(service.url, connections=8, duration_s=60, request_count=25_000, interval_s=0.1)
        result, seen = watched(service.url, plan, service.pids)
    memory = known(seen.series["process.rss_bytes"])
    grown = memory[-1] - statistics.median(memory)
    assert abs(grown) / result.ok < 0.2 * LEAKED


def test_a_service_that_does_not_accept_shows_its_queue_and_the_overflows() -> None:
    with listening(8, accepts=False) as (url, _):
        result, seen = watched(url, silent_plan(url, 20, 1.5))
    assert result.ok == 0
    # Linux takes one more than the backlog says; the others' handshakes end in overflows.
    assert max(known(seen.series["listen.queue"])) == 9
    assert max(known(seen.series["listen.backlog"])) == 8
    assert max(known(seen.series["sockets.unaccepted"])) == 9
    assert max(known(seen.series["listen.overflows_total"])) >= 1


def test_unread_bytes_of_a_frozen_service_show_and_for_how_long() -> None:
    with listening(64, accepts=True) as (url, accepted):
        result, seen = watched(url, silent_plan(url, 12, 2.0))
        assert len(accepted) == 12
    assert result.in_flight == 12
    unread = known(seen.series["sockets.unread"])
    # Of the samples but the first and the last, each sees all of them.
    assert statistics.mode(unread) == 12
    each = seen.series["sockets.unread_bytes"]
    assert statistics.mode(known(each)) == result.bytes_out
    assert statistics.mode(known(seen.series["sockets.unaccepted"])) == 0
    ages = [
        (at_s, age)
        for at_s, age in zip(
            seen.series["sockets.unread_longest_s"].t_s,
            seen.series["sockets.unread_longest_s"].value,
            strict=True,
        )
        if age and 0.5 < at_s < result.duration_s
    ]
    assert ages, (seen.series["sockets.unread_longest_s"], seen.observations, seen.removed)
    # Nothing was ever read, so the oldest data are as old as the load, to the kernel's tick.
    for at_s, age in ages:
        assert age == pytest.approx(at_s, abs=0.25)
    assert max(known(seen.series["sockets.unread_over_1s"])) == 12


def test_a_stopped_process_uses_no_cpu_and_leaves_its_sockets_unread(workspace: Workspace) -> None:
    source = LEAK.replace("kept.append", "len")
    with served(workspace, "{python}", "-S", "-c", source, "{port}") as service:
        pids = service.pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            _, seen = watched(service.url, silent_plan(service.url, 6, 1.0), service.pids)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
    assert max(known(seen.series["process.cpu_cores"])) == 0
    assert statistics.mode(known(seen.series["sockets.unread"])) == 6
    assert statistics.mode(known(seen.series["sockets.unaccepted"])) == 6


def test_cpu_threads_descriptors_and_switches_are_those_of_the_service(
    workspace: Workspace,
) -> None:
    source = LEAK.replace("kept.append", "len").replace(
        "import asyncio, sys",
        "import asyncio, sys, threading\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "import os; held = [os.pipe() for _ in range(10)]",
    )
    with served(workspace, "{python}", "-S", "-c", source, "{port}") as service:
        plan = Plan(service.url, connections=16, duration_s=2)
        result, seen = watched(service.url, plan, service.pids)
        count = len(os.listdir(f"/proc/{service.pids()[0]}/fd"))  # noqa: PTH208
    series = seen.series
    assert result.ok > 100
    assert set(known(series["process.count"])) == {1}
    assert set(known(series["process.threads"])) == {2}
    assert max(known(series["process.descriptors"])) >= count + 16 - 1
    assert 0.05 < statistics.mean(known(series["process.cpu_cores"])) < 1.2
    assert max(known(series["process.busiest_thread_cores"])) <= 1.2
    assert max(known(series["process.switches_voluntary_total"])) >= 1
    words = [one.text for one in seen.observations if one.kind == "process"]
    assert len(words) == 1
    assert "import asyncio" in words[0]


def test_a_service_that_is_not_python_is_seen_from_outside(workspace: Workspace) -> None:
    perl = shutil.which("perl")
    if perl is None:
        pytest.skip("there is no perl")
    with served(workspace, perl, "-e", PERL, "{port}") as service:
        plan = Plan(service.url, connections=2, duration_s=1)
        result, seen = watched(service.url, plan, service.pids)
    assert result.ok > 10
    assert max(known(seen.series["process.rss_bytes"])) > 1e6
    assert max(known(seen.series["process.cpu_cores"])) > 0
    assert known(seen.series["listen.backlog"])[0] == 64


def test_of_a_service_known_by_its_url_only_the_sockets_are_seen_and_the_rest_is_said() -> None:
    with listening(64, accepts=True) as (url, _):
        eyes = outside(url, None)
        _, seen = watched(url, silent_plan(url, 3, 0.7))
    assert max(known(seen.series["sockets.established"])) == 3
    assert known(seen.series["machine.cpu_share"])
    assert not [name for name in seen.series if name.startswith("process.")]
    assert eyes.notes == (
        Observation(
            "process",
            "note",
            "Syncline did not start the service, so its processes are not seen.",
        ),
    )


@pytest.mark.parametrize("url", ["http://192.0.2.1:80", "unix:///run/app.sock"])
def test_of_a_service_elsewhere_it_is_said_that_its_sockets_are_not_seen(url: str) -> None:
    eyes = outside(url, None)
    assert [observer.name for observer in eyes.observers] == ["machine"]
    assert [note.observer for note in eyes.notes] == ["process", "sockets"]
