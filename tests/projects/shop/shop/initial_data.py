"""Fills the tables: ``python -m shop.initial_data``."""

from sqlalchemy.orm import Session

from shop.core.config import settings
from shop.core.db import engine
from shop.core.security import hash_password
from shop.models import Order, OrderLine, Product, User

PRODUCTS, ORDERS, LINES = 200, 100, 3


def main() -> None:
    with Session(engine) as session:
        password = hash_password(settings.FIRST_SUPERUSER_PASSWORD)
        user = User(email=settings.FIRST_SUPERUSER, password_hash=password)
        session.add(user)
        for number in range(1, PRODUCTS + 1):
            session.add(Product(name=f"Product {number}", price_cents=100 + number))
        session.flush()
        for number in range(ORDERS):
            lines = [
                OrderLine(product_id=1 + (number * LINES + line) % PRODUCTS, quantity=line + 1)
                for line in range(LINES)
            ]
            session.add(Order(user_id=user.id, lines=lines))
        session.commit()


if __name__ == "__main__":
    main()
