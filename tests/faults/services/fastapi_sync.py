"""FastAPI with plain ``def`` endpoints, SQLAlchemy over psycopg."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import IO, Annotated

import anyio.to_thread
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session, joinedload, sessionmaker

from tests.faults.services.settings import database_url, size
from tests.faults.services.tables import Customer, Order
from tests.faults.services.work import catalogue, price, score, set_up_logging

set_up_logging(os.environ.get("LOG_LEVEL", "WARNING"))
engine = create_engine(
    database_url("psycopg"),
    pool_size=size("POOL_SIZE", 40),
    max_overflow=size("MAX_OVERFLOW", 0),
    pool_timeout=size("POOL_TIMEOUT", 30),
    echo=bool(size("ECHO", 0)),
)
NewSession = sessionmaker(engine)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = size("TOKENS", 40)
    yield


app = FastAPI(lifespan=lifespan)
served = count(1)


@app.get("/")
def ready() -> str:
    return "ready"


# --- connections -----------------------------------------------------------------------------


@app.get("/report")
def report(ms: int = 20) -> int:
    with NewSession() as session:
        session.execute(text("SELECT pg_sleep(:s)"), {"s": ms / 1000})
    return ms


class CustomerOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    name: str


def get_db() -> Iterator[Session]:
    session = NewSession()
    try:
        yield session
    finally:
        session.close()


Db = Annotated[Session, Depends(get_db)]


@app.get("/customers", response_model=list[CustomerOut])
def customers(session: Db) -> object:
    return session.scalars(select(Customer).limit(20)).all()


@app.get("/customers-inside", response_model=list[CustomerOut])
def customers_inside() -> object:
    with NewSession() as session:
        return [CustomerOut.model_validate(one) for one in session.scalars(select(Customer))][:20]


def current_customer(session: Db) -> int:
    return session.scalars(select(Customer.id).limit(1)).one()


@app.get("/me")
def me(session: Db, customer: Annotated[int, Depends(current_customer)]) -> str:
    return session.scalars(select(Customer.name).where(Customer.id == customer)).one()


def customer_of_token() -> int:
    with NewSession() as session:
        return session.scalars(select(Customer.id).limit(1)).one()


@app.get("/me-inside")
def me_inside(customer: Annotated[int, Depends(customer_of_token)]) -> str:
    with NewSession() as session:
        return session.scalars(select(Customer.name).where(Customer.id == customer)).one()


@app.get("/order-held")
def order_held() -> int:
    with NewSession() as session:
        total = session.scalars(select(Order.total).limit(1)).one()
        time.sleep(0.05)  # asks the payment provider
        session.commit()
    return total


@app.get("/order-released")
def order_released() -> int:
    with NewSession() as session:
        total = session.scalars(select(Order.total).limit(1)).one()
    time.sleep(0.05)
    return total


open_exports: list[Session] = []


@app.get("/export")
def export(every: int = 20) -> int:
    session = NewSession()
    session.execute(text("SELECT pg_sleep(0.03)"))
    if next(served) % every == 0:  # an early way out that forgets the session
        open_exports.append(session)
        return 0
    session.close()
    return 1


@app.get("/orders-lazy")
def orders_lazy() -> list[str]:
    with NewSession() as session:
        orders = session.scalars(select(Order).where(Order.id % 10 == 0)).all()
        return [f"{one.customer.name}: {one.total}" for one in orders]


@app.get("/orders-joined")
def orders_joined() -> list[str]:
    with NewSession() as session:
        asked = select(Order).where(Order.id % 10 == 0).options(joinedload(Order.customer))
        return [f"{one.customer.name}: {one.total}" for one in session.scalars(asked)]


@app.get("/customer")
def customer() -> str:
    with NewSession() as session:
        return session.scalars(select(Customer.name).limit(1)).one()


@app.get("/pay")
def pay(rows: int = 1) -> int:
    row = next(served) % rows + 1
    with NewSession() as session:
        session.execute(
            text("UPDATE customers SET balance = balance + 1 WHERE id = :id"), {"id": row}
        )
        session.execute(text("SELECT pg_sleep(0.01)"))
        session.commit()
    return row


@app.get("/statistics")
def statistics(rows: int = 300_000) -> int:
    with NewSession() as session:
        asked = text("SELECT sum(sqrt(n) * ln(n)) FROM generate_series(1, :rows) AS n")
        return int(session.scalar(asked, {"rows": rows}) or 0)


# --- threads and the processor ----------------------------------------------------------------


@app.get("/wait")
def wait(ms: int = 100) -> int:
    time.sleep(ms / 1000)
    return ms


@app.get("/score")
def scored(rounds: int = 60_000) -> int:
    return score(rounds)


ledger_lock = threading.Lock()
ledger_locks = [threading.Lock() for _ in range(512)]
book = threading.RLock()


@app.get("/ledger")
def ledger() -> int:
    with ledger_lock:
        time.sleep(0.01)
    return 1


@app.get("/ledger-by-key")
def ledger_by_key() -> int:
    with ledger_locks[next(served) % 512]:
        time.sleep(0.01)
    return 1


@app.get("/book")
def booked() -> int:
    with book:
        time.sleep(0.005)
        with book:
            time.sleep(0.005)
    return 1


# --- the answer, the log, memory, the end -----------------------------------------------------


class Article(BaseModel):
    id: int
    name: str
    description: str
    price: float
    tags: list[str]
    created: str


ARTICLES = catalogue(1500)


@app.get("/articles", response_model=list[Article])
def articles(limit: int = 1500) -> object:
    return ARTICLES[:limit]


@app.get("/price")
def priced(items: int = 60) -> int:
    return price(items)


kept: list[bytes] = []
recent: deque[bytes] = deque(maxlen=100)
files: list[IO[str]] = []


@app.get("/remember")
def remember() -> int:
    time.sleep(0.005)
    kept.append(b"x" * 60_000)
    return len(kept)


@app.get("/remember-recent")
def remember_recent() -> int:
    time.sleep(0.005)
    recent.append(b"x" * 60_000)
    return len(recent)


@app.get("/hosts-open")
def hosts_open() -> int:
    time.sleep(0.01)
    file = open("/etc/hosts")  # noqa: SIM115, PTH123 - the fault
    files.append(file)
    return len(file.readline())


@app.get("/hosts-closed")
def hosts_closed() -> int:
    time.sleep(0.01)
    with open("/etc/hosts") as file:  # noqa: PTH123
        return len(file.readline())


@app.get("/broken")
def broken() -> int:
    raise HTTPException(503, "the stock is not reachable")


@app.get("/dies")
def dies(after: int = 200) -> int:
    if next(served) == after:
        os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(0.005)
    return 1


never = threading.Event()


@app.get("/stops")
def stops(after: int = 300) -> int:
    if next(served) > after:
        never.wait()
    time.sleep(0.005)
    return 1
