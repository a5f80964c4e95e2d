"""A document as one self-contained page: no network, a strict policy, readable without scripts."""

from __future__ import annotations

from syncline.report.html.page import Page, render_html, render_page

__all__ = ["Page", "render_html", "render_page"]
