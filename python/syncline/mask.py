"""Secrets taken out of what is stored, printed or logged."""

from __future__ import annotations

import re

MASK = "***"

_USERINFO = re.compile(r"(?P<head>[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@?#]*):(?P<secret>[^\s/?#]*)@")
_FIELD = re.compile(
    r"(?P<head>\b[A-Za-z0-9_-]*(?:password|passwd|pwd|secret|token|api[_-]?key)\s*=\s*)"
    r"(?P<secret>[^\s&;,'\"]+)",
    re.IGNORECASE,
)
_OPTION = re.compile(r"^--?[A-Za-z0-9-]*(?:password|passwd|secret|token|api-?key)$", re.IGNORECASE)
_HEADER = re.compile(
    r"(?P<head>\b(?:proxy-)?authorization\s*:\s*|\b(?:set-)?cookie\s*:\s*|\bx-api-key\s*:\s*)\S.*",
    re.IGNORECASE,
)


def mask(text: str) -> str:
    """The text with passwords in URLs, secret fields and authorisation headers masked."""
    text = _USERINFO.sub(rf"\g<head>:{MASK}@", text)
    text = _FIELD.sub(rf"\g<head>{MASK}", text)
    return _HEADER.sub(rf"\g<head>{MASK}", text)


def mask_command_line(argv: tuple[str, ...]) -> tuple[str, ...]:
    """A command line with its secrets masked, also those in the word after an option."""
    words: list[str] = []
    for word in argv:
        is_value_of_secret = bool(words) and _OPTION.match(words[-1]) is not None
        words.append(MASK if is_value_of_secret else mask(word))
    return tuple(words)
