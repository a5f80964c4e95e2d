"""A FastAPI service whose behaviour the probe must see as it is."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import QueuePool, create_engine, text

engine = create_engine(
    f"sqlite:///{os.environ['SYNCLINE_TEST_DATABASE']}",
    poolclass=QueuePool,
    connect_args={"check_same_thread": False},
)
app = FastAPI()
gate = threading.Event()


@app.get("/block")
async def block() -> None:
    time.sleep(0.15)


@app.get("/freeze")
async def freeze(fifo: str) -> None:
    Path(fifo).read_bytes()  # until somebody writes to it


@app.get("/hold")
def hold() -> None:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        gate.wait(60)


@app.get("/release")
async def release() -> None:
    gate.set()


@app.get("/sync/{number}")
def seven_in_a_thread(number: int) -> int:
    return statements(7)


@app.get("/async/{number}")
async def seven_on_the_loop(number: int) -> int:
    return statements(7)


@app.get("/none/{number}")
async def none_on_the_loop(number: int) -> int:
    return number


@app.get("/three/{number}")
def three_in_a_thread(number: int) -> int:
    return statements(3)


def statements(count: int) -> int:
    with engine.connect() as connection:
        for _ in range(count):
            connection.execute(text("SELECT 7"))
    return count
