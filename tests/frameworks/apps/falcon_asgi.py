"""Falcon, ASGI, with a cache: what is read from it is signed on the loop."""

from __future__ import annotations

import os

import falcon.asgi
import redis.asyncio

from tests.frameworks.apps.parts import digest

cache = redis.asyncio.from_url(os.environ["REDIS_URL"])


class Signatures:
    async def on_get(
        self, _asked: falcon.asgi.Request, answer: falcon.asgi.Response, name: str
    ) -> None:
        await cache.get(name)
        answer.text = digest()


app = falcon.asgi.App()
app.add_route("/signatures/{name}", Signatures())
