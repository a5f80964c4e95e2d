"""Async under both paths, with one engine."""

from fastapi import FastAPI

from syncline_cases.books import async_routes

app = FastAPI(title="Books, async")
app.include_router(async_routes.router, prefix="/books", tags=["async"])
app.include_router(async_routes.router, prefix="/async_books", tags=["async"])
