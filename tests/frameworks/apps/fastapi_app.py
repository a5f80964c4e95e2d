"""FastAPI with SQLAlchemy over asyncpg: a customer for each order, asked one by one."""

from __future__ import annotations

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.faults.services.settings import database_url
from tests.frameworks.apps.parts import CUSTOMER, ORDERS

engine = create_async_engine(database_url("asyncpg"), pool_size=10)
app = FastAPI()


@app.get("/orders/{shop}")
async def orders(shop: int) -> list[str]:
    async with engine.connect() as connection:
        found = (await connection.execute(text(ORDERS))).scalars().all()
        asked = text(f"{CUSTOMER} :id")
        return [(await connection.execute(asked, {"id": one})).scalar_one() for one in found]
