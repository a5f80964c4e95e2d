"""The engine's histogram, the one reader of recorded distributions, for this room."""

from __future__ import annotations

from syncline import engine

Histogram = engine._engine.Histogram  # type: ignore[attr-defined]
