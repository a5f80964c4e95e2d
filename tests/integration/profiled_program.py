"""A program of known behaviour: burns, allocates, and waits, each in a function of its own.

Prints a line when all of it goes on; ends with its standard input.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading

KEPT: list[bytes] = []
GATE = threading.Lock()


def burns() -> int:
    return sum(itertools.repeat(1, 20_000))  # allocates nothing


def works_on() -> None:
    while True:
        burns()


def allocates() -> None:
    """A megabyte that goes, and a hundred kilobytes that stay, a hundred times a second."""
    pause = threading.Event()
    while not pause.wait(0.01):
        bytearray(1_000_000)
        if len(KEPT) < 4000:
            KEPT.append(b"x" * 100_000)


def waits_for_the_gate() -> None:
    with GATE:
        pass


async def awaits_the_event(event: asyncio.Event) -> None:
    await event.wait()


async def awaits_much() -> None:
    event = asyncio.Event()
    await asyncio.gather(*(awaits_the_event(event) for _ in range(5)))


def start(target: object) -> None:
    threading.Thread(target=target, daemon=True).start()  # type: ignore[arg-type]


if __name__ == "__main__":
    GATE.acquire()
    for function in (works_on, allocates, *[waits_for_the_gate] * 3):
        start(function)
    start(lambda: asyncio.run(awaits_much()))
    print("ready", flush=True)
    sys.stdin.read()
