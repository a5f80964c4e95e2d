"""Runs kept: each finished trial is in the store whole, or not at all."""

from syncline.store.heads import RunSummary
from syncline.store.schema import SCHEMA_VERSION
from syncline.store.store import DEFAULT_STORE, Store

__all__ = ["DEFAULT_STORE", "SCHEMA_VERSION", "RunSummary", "Store"]
