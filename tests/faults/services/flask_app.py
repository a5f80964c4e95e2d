"""Flask, for gunicorn's threads: psycopg's pool, SQLAlchemy, an HTTP client."""

from __future__ import annotations

import os
import threading
import time
from itertools import count

import httpx
from flask import Flask, Response, jsonify, request
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session

from tests.faults.services.settings import database_url, size
from tests.faults.services.tables import Customer, Order
from tests.faults.services.work import Elsewhere, catalogue, price, score, set_up_logging

set_up_logging(os.environ.get("LOG_LEVEL", "WARNING"))
app = Flask(__name__)
pool = ConnectionPool(
    database_url(), min_size=1, max_size=size("PSYCOPG_POOL_SIZE", 40), open=False, timeout=20
)
engine = create_engine(
    database_url("psycopg"),
    pool_size=size("POOL_SIZE", 40),
    max_overflow=size("MAX_OVERFLOW", 0),
    echo=bool(size("ECHO", 0)),
)
elsewhere = Elsewhere(size("ELSEWHERE_MS", 50) / 1000)
client = httpx.Client(limits=httpx.Limits(max_connections=size("HTTP_LIMIT", 200)), timeout=30)
served = count(1)


@app.get("/")
def ready() -> str:
    return "ready"


@app.get("/report")
def report() -> str:
    pool.open()
    with pool.connection() as connection:
        connection.execute("SELECT pg_sleep(0.02)")
    return "20"


@app.get("/customer")
def customer() -> str:
    with Session(engine) as session:
        return session.scalars(select(Customer.name).limit(1)).one()


@app.get("/order-held")
def order_held() -> str:
    pool.open()
    with pool.connection() as connection:
        connection.execute("SELECT total FROM orders LIMIT 1")
        time.sleep(0.04)
    return "1"


@app.get("/order-released")
def order_released() -> str:
    pool.open()
    with pool.connection() as connection:
        connection.execute("SELECT total FROM orders LIMIT 1")
    time.sleep(0.04)
    return "1"


@app.get("/orders-lazy")
def orders_lazy() -> Response:
    with Session(engine) as session:
        customers = session.scalars(select(Customer).limit(20)).all()
        return jsonify([len(one.orders) for one in customers])


@app.get("/orders-counted")
def orders_counted() -> Response:
    asked = "SELECT customer_id, count(*) FROM orders GROUP BY 1 LIMIT 20"
    with Session(engine) as session:
        return jsonify([row[1] for row in session.execute(text(asked))])


@app.get("/statistics")
def statistics() -> str:
    with Session(engine) as session:
        asked = text("SELECT sum(a.total * b.total) FROM orders a, orders b WHERE a.id <> b.id")
        return str(session.scalar(asked))


@app.get("/total")
def total() -> str:
    with Session(engine) as session:
        return str(session.scalar(select(Order.total).limit(1)))


@app.get("/rates")
def rates() -> str:
    return client.get(elsewhere.url).text


invoice_lock = threading.Lock()


@app.get("/invoice")
def invoice() -> str:
    with invoice_lock:  # numbers must have no gaps
        number = next(served)
        time.sleep(0.008)
    return str(number)


@app.get("/invoice-short-lock")
def invoice_short_lock() -> str:
    with invoice_lock:
        number = next(served)
    time.sleep(0.008)
    return str(number)


@app.get("/score")
def scored() -> str:
    return str(score(int(request.args.get("rounds", "40000"))))


@app.get("/price")
def priced() -> str:
    return str(price(50))


ARTICLES = catalogue(1500)


@app.get("/articles")
def articles() -> Response:
    return jsonify(ARTICLES[: int(request.args.get("limit", "1500"))])


threads: list[threading.Thread] = []
stop = threading.Event()


@app.get("/background")
def background() -> str:
    """Starts a thread that waits for work which never comes."""
    time.sleep(0.02)
    thread = threading.Thread(target=stop.wait, daemon=True)
    thread.start()
    threads.append(thread)
    return "started"


@app.get("/background-ends")
def background_ends() -> str:
    time.sleep(0.02)
    thread = threading.Thread(target=time.sleep, args=(0.01,), daemon=True)
    thread.start()
    return "started"


@app.get("/broken")
def broken() -> tuple[str, int]:
    return "no stock", 500
