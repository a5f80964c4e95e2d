"""Syncline: why does my service bend under load, and what change makes it stand?"""

from syncline.engine import aload, load
from syncline.errors import SynclineError
from syncline.outcome import LoadResult
from syncline.plan import Plan

__version__ = "0.1.0"

__all__ = ["LoadResult", "Plan", "SynclineError", "__version__", "aload", "load"]
