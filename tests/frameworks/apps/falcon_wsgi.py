"""Falcon with psycopg's pool, which is too small."""

from __future__ import annotations

import falcon
from psycopg_pool import ConnectionPool

from tests.faults.services.settings import database_url
from tests.frameworks.apps.parts import SLOW

pool = ConnectionPool(database_url(), min_size=1, max_size=2, open=False, timeout=20)


class Reports:
    def on_get(self, _asked: falcon.Request, answer: falcon.Response, month: int) -> None:
        pool.open()
        with pool.connection() as connection:
            connection.execute(SLOW)
        answer.text = str(month)


app = falcon.App()
app.add_route("/reports/{month:int}", Reports())
