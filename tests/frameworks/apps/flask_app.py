"""Flask with SQLAlchemy's ORM: the customer of each order is loaded lazily."""

from __future__ import annotations

from flask import Flask, Response, jsonify
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from tests.faults.services.settings import database_url
from tests.faults.services.tables import Order

engine = create_engine(database_url("psycopg"), pool_size=20)
app = Flask(__name__)


@app.get("/orders/<int:shop>")
def orders(shop: int) -> Response:
    with Session(engine) as session:
        found = session.scalars(select(Order).where(Order.id <= 20))
        return jsonify([one.customer.name for one in found])
