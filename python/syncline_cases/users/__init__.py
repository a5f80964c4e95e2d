"""FastAPI, SQLAlchemy and PostgreSQL: the same service, sync and async."""
