"""As published: sync under ``/books/``, async under ``/async_books/``, each with an engine.

Fault: each engine of each worker may take ``pool_size + max_overflow`` connections and keeps
``pool_size`` of them for ever. Four workers with 50 + 10 may want 480 of the 97 that
PostgreSQL has for an ordinary user at ``max_connections = 100``. Whichever engine is busy
first keeps them all, and every request for the other one fails.
"""

from fastapi import FastAPI

from syncline_cases.books import async_routes, sync_routes

app = FastAPI(title="Books, sync and async")
app.include_router(sync_routes.router, prefix="/books", tags=["sync"])
app.include_router(async_routes.router, prefix="/async_books", tags=["async"])
