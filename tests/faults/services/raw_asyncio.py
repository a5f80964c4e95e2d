"""A server on asyncio's streams that serves so many connections and lets the others wait.

``python -m tests.faults.services.raw_asyncio PORT``, with ``SLOTS`` and ``BACKLOG``.
"""

from __future__ import annotations

import asyncio
import sys

from tests.faults.services.settings import size


async def main(port: int) -> None:
    slots = asyncio.Semaphore(size("SLOTS", 8))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with slots:  # for as long as the connection lives: the fault
                while await reader.readuntil(b"\r\n\r\n"):
                    await asyncio.sleep(0.002)
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=size("BACKLOG", 1024))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
