from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from shop.core.db import SessionDep
from shop.models import Product

router = APIRouter(prefix="/products", tags=["products"])


class ProductPublic(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    price_cents: int


@router.get("/")
def read_products(
    session: SessionDep, limit: Annotated[int, Query(le=200, examples=[20, 50])] = 20
) -> list[ProductPublic]:
    products = session.scalars(select(Product).order_by(Product.id).limit(limit))
    return [ProductPublic.model_validate(product) for product in products]


@router.get("/{product_id}")
def read_product(product_id: int, session: SessionDep) -> ProductPublic:
    product = session.get(Product, product_id)
    if product is None:
        raise HTTPException(404, "no such product")
    return ProductPublic.model_validate(product)
