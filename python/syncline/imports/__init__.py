"""Requests out of what other programs recorded: HAR, curl command lines, access logs.

Texts in, :class:`Imported` out. What is imported is data: templates in it are never carried
out, and credentials are left out unless they were asked for.
"""

from __future__ import annotations

from syncline.imports.access_log import from_log
from syncline.imports.curl import from_curl
from syncline.imports.har import from_har
from syncline.imports.mix import Rows, mix, rows
from syncline.imports.pacing import paced
from syncline.imports.recorded import Imported, writing

__all__ = [
    "Imported",
    "Rows",
    "from_curl",
    "from_har",
    "from_log",
    "mix",
    "paced",
    "rows",
    "writing",
]
