"""A listening socket, the clock of the limits, and an orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from syncline_cases.entities.connection import Connection
from syncline_cases.entities.hub import Hub

BACKLOG = 1024


class Server:
    """Serves a listening socket with one protocol object per connection.

    Attributes:
        port: the port, also if 0 was asked for.
    """

    def __init__(self, hub: Hub, make: Callable[[], Connection], tick_s: float = 0.25) -> None:
        self._hub = hub
        self._make = make
        self._tick_s = tick_s
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listens.

        Raises:
            OSError: it cannot.
        """
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._make, host, port, backlog=BACKLOG)
        self.port = self._listener.sockets[0].getsockname()[1]
        self._clock = loop.create_task(self._tick())

    async def stop(self, grace_s: float = 2.0) -> bool:
        """Stops listening, answers every request that has come, and leaves all clients.

        Returns:
            False if some client took longer than the grace.
        """
        self._listener.close()
        self._hub.stopping = True
        # What clients sent before they could know is read and answered first.
        await asyncio.sleep(self._tick_s)
        for guest in tuple(self._hub.guests):
            guest.finish()
        deadline = asyncio.get_running_loop().time() + grace_s
        while self._hub.guests and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        late = tuple(self._hub.guests)
        for guest in late:
            guest.abort()
        self._clock.cancel()
        return not late

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._tick_s)
            self._hub.tick()
