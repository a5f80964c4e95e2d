"""From the target and method of a request to what is asked; pure."""

import re
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from syncline_cases.entities import answers

KEY_BYTES = 511  # the longest key that every store takes

_PATH = b"/v0/entity"
_PLAIN = b"/v0/entity?id="
_KEY_AT = len(_PLAIN)
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ABSOLUTE = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_METHODS = frozenset((b"GET", b"PUT", b"DELETE"))


# Method (GET, PUT or DELETE), key, and a PUT's value: a bare tuple, for one is made of each
# request, and a named one takes five times as long to make.
Request: TypeAlias = tuple[bytes, bytes, bytes]


def key_of(method: bytes, target: bytes) -> bytes:
    """The key that a request names.

    A key is bytes, percent-encoded in the query; ``+`` stands for itself (RFC 3986).

    Raises:
        Refusal: for another path or method, or without one good key.
    """
    # Nearly every request; letters and digits need no decoding.
    if method in _METHODS and target.startswith(_PLAIN):
        key = target[_KEY_AT:]
        if key.isalnum() and len(key) <= KEY_BYTES:
            return key
    path, _, query = _ABSOLUTE.sub(b"", target, count=1).partition(b"#")[0].partition(b"?")
    if path != _PATH:
        raise answers.Refusal(answers.NOT_FOUND)
    if method not in _METHODS:
        raise answers.Refusal(answers.METHOD_NOT_ALLOWED)
    keys = [value for name, _, value in _fields(query) if name == b"id"]
    if len(keys) != 1 or _BAD_ESCAPE.search(keys[0]):
        raise answers.Refusal(answers.BAD_ID)
    key = unquote_to_bytes(keys[0])
    if not 0 < len(key) <= KEY_BYTES:
        raise answers.Refusal(answers.BAD_ID)
    return key


def _fields(query: bytes) -> list[tuple[bytes, bytes, bytes]]:
    return [field.partition(b"=") for field in query.split(b"&")]
