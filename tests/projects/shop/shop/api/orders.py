from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from shop.api.login import CurrentUser
from shop.core.db import SessionDep
from shop.models import Order, OrderLine

router = APIRouter(prefix="/orders", tags=["orders"])


class LinePublic(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    product_id: int
    quantity: int


class OrderPublic(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    lines: list[LinePublic]


class LineIn(BaseModel):
    product_id: int
    quantity: int = 1


@router.get("/")
def read_orders(session: SessionDep, limit: int = 20) -> list[OrderPublic]:
    # Each order's lines are loaded when they are touched: one statement more per order.
    orders = session.scalars(select(Order).order_by(Order.id).limit(limit))
    return [OrderPublic.model_validate(order) for order in orders]


@router.get("/mine")
def read_my_orders(session: SessionDep, user: CurrentUser) -> list[OrderPublic]:
    orders = session.scalars(select(Order).where(Order.user_id == user.id).limit(5))
    return [OrderPublic.model_validate(order) for order in orders]


@router.post("/", status_code=201)
def create_order(lines: list[LineIn], session: SessionDep, user: CurrentUser) -> OrderPublic:
    order = Order(user_id=user.id, lines=[OrderLine(**line.model_dump()) for line in lines])
    session.add(order)
    session.commit()
    return OrderPublic.model_validate(order)
