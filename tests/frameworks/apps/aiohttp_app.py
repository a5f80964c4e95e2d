"""aiohttp's server, ``python -m tests.frameworks.apps.aiohttp_app PORT``: it signs on the loop."""

from __future__ import annotations

import sys

from aiohttp import web

from tests.frameworks.apps.parts import digest


async def sign(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.match_info['name']} {digest()}")


app = web.Application()
app.router.add_get("/signatures/{name}", sign)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
