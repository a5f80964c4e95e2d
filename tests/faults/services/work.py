"""What the services do beside their framework: compute, log, answer at length, ask elsewhere."""

from __future__ import annotations

import asyncio
import logging
import threading
from datetime import UTC, datetime

log = logging.getLogger("shop")


def set_up_logging(level: str) -> None:
    """As many services do it: everything to standard error, with time and place."""
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s %(funcName)s:%(lineno)d %(message)s"
    )


def score(rounds: int) -> int:
    """Plain Python arithmetic, about 0.05 ms per thousand rounds."""
    total = 0
    for number in range(rounds):
        total = (total * 31 + number) % 1_000_003
    return total


def price(items: int) -> int:
    """A sum over items that tells of every step."""
    total = 0
    for number in range(items):
        total += number * 17 % 101
        log.debug("item %d of %d costs %d, so far %d", number, items, number * 17 % 101, total)
    return total


def catalogue(count: int) -> list[dict[str, object]]:
    """Articles as a list answers them."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        {
            "id": number,
            "name": f"Article {number}",
            "description": "An article of which there is a lot to say. " * 2,
            "price": number * 1.25,
            "tags": ["new", "cheap", f"shelf-{number % 17}"],
            "created": now.isoformat(),
        }
        for number in range(count)
    ]


class Elsewhere:
    """Another service, on a port of its own: answers each request after ``delay_s``."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._ready = threading.Event()
        self.url = ""
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        self._ready.set()
        await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(self._delay_s)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
