"""Servers that misbehave to order, each in its own process, each telling what it saw."""

from __future__ import annotations

from .framework import Server, serve
from .threaded import Conn, Request
from .truth import Served, Truth

__all__ = ["Conn", "Request", "Served", "Server", "Truth", "serve"]
