"""``python -m syncline_cases.entities --data FOLDER [OPTIONS] PORT``."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence

import uvloop

from syncline_cases.entities.blocking import BlockingConnection
from syncline_cases.entities.connection import Connection
from syncline_cases.entities.handover import HandOver
from syncline_cases.entities.hub import Hub
from syncline_cases.entities.limits import Limits
from syncline_cases.entities.nonblocking import NonBlockingConnection
from syncline_cases.entities.operations import Operations
from syncline_cases.entities.options import Options, parse
from syncline_cases.entities.server import Server
from syncline_cases.entities.store import Store, open_store

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Requests that one commit takes along at the most.
GROUP = 1024


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until SIGINT or SIGTERM; the exit code is 1 if the server cannot start."""
    return run(parse(argv))


def run(options: Options) -> int:
    logging.basicConfig(format="%(message)s")
    try:
        store = open_store(
            options.store, options.data / "store", sync=options.durability != "process"
        )
    except Exception as error:  # noqa: BLE001 - each store has its own kinds of error
        print(f"entities cannot open its store: {error}", file=sys.stderr)
        return 1
    try:
        uvloop.run(serve(options, store))
    except OSError as error:
        print(f"entities cannot start: {error}", file=sys.stderr)
        return 1
    finally:
        store.close()
    return 0


async def serve(options: Options, store: Store, limits: Limits | None = None) -> None:
    """Serves a store until a signal comes."""
    hub = Hub(limits or Limits())
    stop = asyncio.Event()
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    async with connections(options, hub, store) as make:
        server = Server(hub, make)
        await server.start(options.host, options.port)
        # What is there by now stays; the collector need not look at it again and again.
        gc.freeze()
        address = f"{options.host}:{server.port}"
        print(f"Serving {options.store} on {address}", file=sys.stderr, flush=True)
        await stop.wait()
        await server.stop()


@contextlib.asynccontextmanager
async def connections(
    options: Options, hub: Hub, store: Store
) -> AsyncIterator[Callable[[], Connection]]:
    """What makes a connection of the variant that is asked for."""
    operations = Operations(store, hub.answers)
    if not options.threads:
        yield lambda: BlockingConnection(hub, operations.perform)
        return
    group = options.durability == "group-commit"
    hand_over = HandOver(
        asyncio.get_running_loop(),
        operations.perform_group if group else operations.perform_each,
        threads=options.threads,
        queue=options.queue,
        together=GROUP if group else 1,
    )
    try:
        yield lambda: NonBlockingConnection(hub, hand_over)
    finally:
        hand_over.close()
        if hand_over.refused:
            print(f"{hand_over.refused} requests met a full queue (503).", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
