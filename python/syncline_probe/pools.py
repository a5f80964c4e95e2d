"""The connection pools of a process, told together by library."""

from __future__ import annotations

import time

from syncline_probe import ledger, requests
from syncline_probe.board import Board, Sample
from syncline_probe.pool import Hold, PoolState, Reading, hold_row

_POOLS = 64
_clock = time.monotonic
_NUMBERS = (
    *("waiters", "waiters_on_loop", "wait_oldest_ms", "held_oldest_ms"),
    *("idle_transactions", "idle_transaction_oldest_ms"),
    *("checkouts_total", "waits_total", "wait_s_total", "held_s_total", "timeouts_total"),
    *("size", "open", "checked_out", "overflow"),
)
_families: dict[str, PoolFamily] = {}


def family(board: Board, prefix: str) -> PoolFamily:
    """The pools whose numbers are told as ``<prefix>_checked_out`` and so on."""
    if prefix not in _families:
        _families[prefix] = PoolFamily(board, prefix)
    return _families[prefix]


def every_hold() -> list[Hold]:
    """All connections that are in use, of all pools."""
    return [hold for one in list(_families.values()) for hold in one.holds()]


def number_waiting() -> int:
    """How many wait for a connection, at all pools."""
    return sum([one.number_waiting() for one in list(_families.values())])


def forget() -> None:
    """In a fork's child: nobody there holds or awaits what the parent's threads did."""
    for one in _families.values():
        one.forget()


class PoolFamily:
    """The pools whose numbers are told together, under one prefix."""

    def __init__(self, board: Board, prefix: str) -> None:
        self._prefix = prefix
        self._names = [f"{prefix}_{name}" for name in _NUMBERS]
        self._board = board
        self._states: list[PoolState] = []
        requests.follow()  # a hold is for one of them
        requests.when_recording(self._watch, self._waited_long)

    def add(self, state: PoolState) -> PoolState:
        """Watches a pool from now on."""
        if not self._states:
            self._board.gauges[f"{self._prefix}s"] = self._gauge
            self._board.summaries[f"{self._prefix}s"] = self._rows
            self._board.settings[f"{self._prefix}s"] = self._settings
            self._board.ticks[f"{self._prefix}s"] = self._tick
        if len(self._states) >= _POOLS:
            there = [one for one in self._states if one.pool() is not None]
            self._states = there[-_POOLS:]
            for one in there[:-_POOLS]:
                one.waits.close()
                one.held.close()
        self._states.append(state)
        return state

    def holds(self) -> list[Hold]:
        """The connections in use."""
        return [hold for state in list(self._states) for hold in state.present()]

    def number_waiting(self) -> int:
        """How many wait for a connection."""
        return sum([len(state.waiters) for state in list(self._states)])

    def forget(self) -> None:
        """In a fork's child: nobody there holds or awaits what the parent's threads did."""
        for state in self._states:
            state.forget()

    def _tick(self, _now: float) -> None:
        ended = ledger.count()
        for state in self._states:
            state.settle(ended)

    def _watch(self, *, on: bool) -> None:
        for state in self._states:
            if state.sampled:
                state.watch(on=on)

    def _waited_long(self) -> bool:
        return any(state.waited_long() for state in self._states)

    def _gauge(self, sample: Sample) -> None:
        # In one pass, and no function for each number: it is asked for ten times a second.
        now = since_s = _clock()
        waiters = on_loop = idle = checkouts = waits = timeouts = 0
        held_oldest_s = idle_oldest_s = wait_s = held_s = 0.0
        size = opened = out = overflow = 0.0
        limits: list[float | None] = []
        for state in list(self._states):
            if state.waiters:
                waiters += len(state.waiters)
                since_s = min(since_s, state.waiting_since(now))
                on_loop += state.waiters_on_loop()
            ages = state.ages(now)
            held_oldest_s = max(held_oldest_s, ages.oldest_s)
            idle += ages.idle
            idle_oldest_s = max(idle_oldest_s, ages.idle_oldest_s)
            checkouts += round(state.checkouts_all)
            waits += state.waits.count()
            wait_s += state.waits.total_s()
            held_s += state.held.total_s()
            timeouts += state.timeouts
            if (reading := state.reading()) is not None:
                size += reading.size
                opened += reading.opened
                out += reading.checked_out
                overflow += max(0, reading.opened - reading.size)
                limits.append(reading.limit)
        numbers = (
            *(waiters, on_loop, 1000 * (now - since_s), 1000 * held_oldest_s),
            *(idle, 1000 * idle_oldest_s),
            *(checkouts, waits, wait_s, held_s, timeouts),
            *(size, opened, out, overflow),
        )
        sample.update(zip(self._names, numbers, strict=True))
        if limits and None not in limits:
            sample[f"{self._prefix}_limit"] = sum(limit for limit in limits if limit is not None)

    def _rows(self) -> list[dict[str, object]]:
        return [
            _row(number, state, reading)
            for number, state in enumerate(self._states)
            if (reading := state.reading()) is not None
        ]

    def _settings(self) -> dict[str, object]:
        readings = [reading for one in self._states if (reading := one.reading()) is not None]
        return {
            "pools": [
                {"name": one.name, "size": one.size, "limit": one.limit, **one.settings}
                for one in readings
            ]
        }


def _row(number: int, state: PoolState, reading: Reading) -> dict[str, object]:
    now = _clock()
    oldest = _oldest(state.present(), now)
    return {
        "pool": number,
        "name": reading.name,
        "size": reading.size,
        "limit": reading.limit,
        "checked_out": reading.checked_out,
        "waiters": len(state.waiters),
        "checkouts": round(state.checkouts_all),
        "timeouts": state.timeouts,
        "statement_s": round(state.statement_s, 6),
        "waits": state.waits.row(),
        "held": state.held.row(),
        "held_longest": state.longest,
        "held_oldest": hold_row(oldest, now - oldest.since_s) if oldest is not None else None,
    }


def _oldest(holds: list[Hold], now: float) -> Hold | None:
    """The one to be told of: one whose place is known, if it is about as old as any."""
    oldest = min(holds, key=lambda hold: hold.since_s, default=None)
    if oldest is None or oldest.site:
        return oldest
    placed = min((hold for hold in holds if hold.site), key=lambda hold: hold.since_s, default=None)
    if placed is not None and now - placed.since_s > (now - oldest.since_s) / 2:
        return placed
    return oldest
