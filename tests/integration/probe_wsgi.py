"""The same seven statements in a WSGI service."""

from __future__ import annotations

import os

from flask import Flask
from sqlalchemy import QueuePool, create_engine, text

engine = create_engine(
    f"sqlite:///{os.environ['SYNCLINE_TEST_DATABASE']}",
    poolclass=QueuePool,
    connect_args={"check_same_thread": False},
)
app = Flask(__name__)


@app.get("/sync/<int:number>")
def seven(number: int) -> str:
    with engine.connect() as connection:
        for _ in range(7):
            connection.execute(text("SELECT 7"))
    return str(number)
