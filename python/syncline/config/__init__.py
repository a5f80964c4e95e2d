"""``syncline.toml``: its keys, reading it with exact messages, and its schema."""

from syncline.config.read import Source, argv_of, capture_of, has_section, read_config
from syncline.config.schema import Entry, entries, json_schema, reference
from syncline.config.values import (
    BackendOf,
    Backends,
    ChecksOf,
    Config,
    LoadOf,
    RequestOf,
    Service,
    StepOf,
    VariantOf,
)

__all__ = [
    "BackendOf",
    "Backends",
    "ChecksOf",
    "Config",
    "Entry",
    "LoadOf",
    "RequestOf",
    "Service",
    "Source",
    "StepOf",
    "VariantOf",
    "argv_of",
    "capture_of",
    "entries",
    "has_section",
    "json_schema",
    "read_config",
    "reference",
]
