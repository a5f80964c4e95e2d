"""A local page over a store: its runs, their reports, two compared, one that goes on.

Only for the person who started it: loopback (or TLS), a token, a checked Host and Origin, and
nothing is started but what was configured where ``syncline ui`` was called.
"""

from __future__ import annotations

from syncline.web.access import Access
from syncline.web.app import Site, build_app
from syncline.web.runner import Offer, Runner
from syncline.web.server import bind, serve

__all__ = ["Access", "Offer", "Runner", "Site", "bind", "build_app", "serve"]
