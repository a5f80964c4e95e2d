"""A small shop: customers and their orders. ``python -m tests.faults.services.tables`` fills it."""

from __future__ import annotations

import random

from sqlalchemy import ForeignKey, create_engine, insert
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from tests.faults.services.settings import database_url


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    balance: Mapped[int] = mapped_column(default=0)
    orders: Mapped[list[Order]] = relationship(back_populates="customer")


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    total: Mapped[int]
    customer: Mapped[Customer] = relationship(back_populates="orders")


def main() -> None:
    engine = create_engine(database_url("psycopg"))
    chance = random.Random(1)
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        Base.metadata.create_all(connection)
        customers = [{"name": f"Customer {number}", "balance": 0} for number in range(1, 41)]
        connection.execute(insert(Customer), customers)
        orders = [
            {"customer_id": chance.randint(1, 40), "total": chance.randint(1, 999)}
            for _ in range(400)
        ]
        connection.execute(insert(Order), orders)
    engine.dispose()


if __name__ == "__main__":
    main()
