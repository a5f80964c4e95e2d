"""Whose code a frame is, and how it is named to a person."""

from __future__ import annotations

import functools
import re
from typing import Literal

from syncline.folded import Frame

Owner = Literal["yours", "library", "python", "native", "probe"]
"""``yours``: the service's own code; ``library``: installed packages; ``probe``: Syncline's own;
``python``: the standard library and the interpreter; ``native``: code without Python source."""

_PACKAGES = re.compile(r"[/\\](?:site|dist)-packages[/\\](?P<rest>.+)")
# lib/python3.12/json/decoder.py, but not lib/python3.12/site-packages.
_STDLIB = re.compile(r"[/\\](?:lib|lib64|Lib)[/\\]python\d\.\d+t?[/\\](?P<rest>.+)")
_SOURCE = (".py", ".pyw", ".pyx", ".pxd", ".pxi")


@functools.lru_cache(maxsize=10_000)
def owner(file: str) -> Owner:
    """Whose a file is, by its path alone: profiles are read on other machines, too."""
    if "/syncline_probe/" in file:
        return "probe"
    if _PACKAGES.search(file):
        return "library" if file.endswith(_SOURCE) else "native"
    if file.startswith("<"):
        return "python"
    if not file.endswith(_SOURCE):
        return "native"
    return "python" if _STDLIB.search(file) else "yours"


@functools.lru_cache(maxsize=10_000)
def place(file: str) -> str:
    """The path without what is the same for all: ``starlette/routing.py``."""
    for pattern in (_PACKAGES, _STDLIB):
        if found := pattern.search(file):
            return found["rest"]
    parts = re.split(r"[/\\]", file)
    return "/".join(parts[-2:])


def label(frame: Frame) -> str:
    """The frame in a few words: ``wait (threading.py:327)``."""
    if not frame.file:
        return frame.name
    line = f":{frame.line}" if frame.line else ""
    return f"{frame.name} ({place(frame.file)}{line})"
