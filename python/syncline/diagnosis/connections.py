"""Rules about the clients' connections: starved, dropped, closed after each answer."""

from __future__ import annotations

from syncline.diagnosis import names
from syncline.diagnosis.facts import died, stuck
from syncline.diagnosis.pool import pool_unfair
from syncline.diagnosis.view import View
from syncline.diagnosis.weigh import Sign, conclude, sign
from syncline.finding import Finding, Fix
from syncline.plan import ClosedLoop

_SERVED_WELL = 10  # answers on one connection while others had none
_UNREAD_S = 2.0
_SLOW = 0.1  # of the load's time
_SYN_AGAIN_US = 900_000  # the kernel tries to connect again after a second


def connections_starved(view: View) -> Finding | None:
    """Some connections were served well, and others never."""
    found = view.result.connections
    if stuck(view) or died(view) or not view.result.ok or not found.never_served:
        return None
    if pool_unfair(view) is not None:  # all are read, and it is in the pool that they starve
        return None
    if found.requests_max < _SERVED_WELL or found.never_served < max(2, found.asked / 50):
        return None
    # In open loop a connection that was never needed was never served either.
    closed = isinstance(view.trial.load.schedule, ClosedLoop)
    unread_s = view.peak(names.UNREAD_S)
    times = view.result.service_time_us
    # Not the p99: where one request in a hundred is given up, that is the time-out.
    slow = times is not None and times.p90 / 1e6 >= _SLOW * view.result.duration_s
    signs: list[Sign | None] = [
        sign(0.75, "connections never served", found.never_served, 0) if closed else None,
        sign(0.3, "answers on the busiest connection", found.requests_max, _SERVED_WELL)
        if closed
        else None,
    ]
    against: list[Sign | None] = []
    if slow and times is not None:  # all are slow: who had no answer yet is no exception
        against.append(sign(0.6, "p90, s", times.p90 / 1e6, _SLOW * view.result.duration_s))
    if unread_s is not None and unread_s.value >= _UNREAD_S:
        signs.append(
            sign(0.5, "bytes unread for, s", unread_s.value, _UNREAD_S, unread_s.at_s, "sockets")
        )
    elif unread_s is not None:
        against.append(sign(0.2, "bytes unread for, s", unread_s.value, _UNREAD_S, None, "sockets"))
    return conclude(
        view,
        "connections-starved",
        "error",
        f"{found.never_served} of {found.asked} connections never got an answer, while one got "
        f"{found.requests_max}.",
        signs=signs,
        against=against,
        fix=Fix(
            "Give the connection back after each response; bound requests and idle time per "
            "connection.",
            "queue.put(connection)   # after each response, not after the last\n",
        ),
    )


def accept_queue_full(view: View) -> Finding | None:
    """Connections were refused, dropped, or had to try again."""
    errors, connect = view.result.errors, view.result.connect_us
    refused = errors.get("connect-refused", 0)
    timed_out = errors.get("connect-timeout", 0)
    overflows = view.growth(names.OVERFLOWS) or 0.0
    queue, backlog = view.peak(names.QUEUE), view.high(names.BACKLOG)
    signs: list[Sign | None] = []
    if timed_out:
        signs.append(sign(0.55, "connect time-outs", timed_out, 0))
    if refused:
        signs.append(sign(0.35, "connections refused", refused, 0))
    if overflows > 0:
        signs.append(sign(0.5, "listen-queue overflows", overflows, 0, None, "sockets"))
    if queue is not None and backlog and queue.value >= backlog:
        signs.append(sign(0.4, "listen queue", queue.value, backlog, queue.at_s, "sockets"))
    if connect is not None and connect.max >= _SYN_AGAIN_US:
        signs.append(sign(0.35, "longest connect, s", connect.max / 1e6, _SYN_AGAIN_US / 1e6))
    against = [sign(0.85, "the service", "died")] if died(view) else []
    failed = refused + timed_out
    return conclude(
        view,
        "accept-queue-full",
        "error" if failed else "warning",
        f"The listen queue overflowed: {failed} connections failed, the kernel dropped "
        f"{overflows:.0f}.",
        signs=signs,
        against=against,
        fix=Fix(
            "A longer backlog for bursts; find what keeps the service from accepting.",
            "uvicorn app:app --backlog 4096\n",
            cures=False,
        ),
    )


def keep_alive_off(view: View) -> Finding | None:
    """About one connection per answer although the plan keeps them."""
    answers, opened = view.result.ok + view.result.failed, view.result.connections.opened
    if not view.trial.load.keep_alive or answers < 20 or died(view):
        return None
    said, share = "keep-alive-off" in view.result.notes, opened / answers
    many = share >= 0.8 and opened > 2 * view.level
    if not said and not many:
        return None
    return conclude(
        view,
        "keep-alive-off",
        "warning",
        f"{opened} connections were opened for {answers} answers although keep-alive was asked.",
        signs=[
            sign(0.8, "closed by the service after an answer", "most", "few") if said else None,
            sign(0.7, "connections per answer", share, 0.8) if many else None,
        ],
        fix=Fix("Answer with HTTP/1.1 and a length, without 'Connection: close'."),
    )
