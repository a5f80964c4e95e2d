"""Sync under both paths, with one engine."""

from fastapi import FastAPI

from syncline_cases.books import sync_routes

app = FastAPI(title="Books, sync")
app.include_router(sync_routes.router, prefix="/books", tags=["sync"])
app.include_router(sync_routes.router, prefix="/async_books", tags=["sync"])
