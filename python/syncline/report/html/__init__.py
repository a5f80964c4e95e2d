"""A document as one self-contained page: no network, a strict policy, readable without scripts."""

from __future__ import annotations

from syncline.report.html.page import render_html

__all__ = ["render_html"]
