"""A FastAPI service that tells how many of its requests were inside at once."""

from __future__ import annotations

import gc
import logging
import threading
import time

from fastapi import FastAPI
from sqlalchemy import NullPool, QueuePool, create_engine, text

pooled = create_engine("sqlite://", poolclass=QueuePool, pool_size=2, echo=True)
unpooled = create_engine("sqlite://", poolclass=NullPool)
app = FastAPI()
lock = threading.Lock()
inside = peak = 0


@app.get("/in-a-thread")
def in_a_thread() -> int:
    global inside, peak
    with lock:
        inside += 1
        peak = max(peak, inside)
    time.sleep(0.02)
    with lock:
        inside -= 1
    return peak


@app.get("/seen")
async def seen() -> dict[str, object]:
    with pooled.connect() as connection:
        connection.execute(text("SELECT 1"))
    return {
        "peak": peak,
        "collects": gc.isenabled(),
        "information": logging.getLogger("x").isEnabledFor(logging.INFO),
        "echo": pooled._should_log_info(),
    }
