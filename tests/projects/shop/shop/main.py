from fastapi import APIRouter, FastAPI

from shop.api import login, orders, products
from shop.core.config import settings

app = FastAPI(title=settings.PROJECT_NAME)

api = APIRouter(prefix="/api/v1")
api.include_router(login.router)
api.include_router(products.router)
api.include_router(orders.router)


@api.get("/health", tags=["utils"])
def health() -> bool:
    return True


app.include_router(api)
