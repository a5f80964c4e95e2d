"""FastAPI, SQLAlchemy and MariaDB, with and without a cache in Valkey.

Read it in this order: ``models``, ``database``, one of the applications, then ``cache`` and
``single_flight``.
"""
