"""From a request target to the names of folders and a file below the root; pure."""

import re
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from syncline_cases.httpd.refusal import Refusal

_ABSOLUTE = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def segments(target: bytes) -> tuple[bytes, ...]:
    """The names on the way from the root, decoded; the last is empty if a folder is meant.

    Decoding comes first and once, so an encoded dot or slash is a dot or a slash and a
    doubly encoded one is a strange name. Names stay bytes: no other spelling of ``..`` can
    come out of a conversion.

    Raises:
        Refusal: 400 for what is no path, 403 for one that climbs above the root.
    """
    if not target.startswith(b"/"):
        absolute = _ABSOLUTE.match(target)
        if absolute is None:
            raise Refusal(HTTPStatus.BAD_REQUEST)
        target = target[absolute.end() :] or b"/"
    path = target.partition(b"?")[0]
    if b"#" in path or _BAD_ESCAPE.search(path):
        raise Refusal(HTTPStatus.BAD_REQUEST)
    path = unquote_to_bytes(path)
    if b"\0" in path or b"\\" in path:
        raise Refusal(HTTPStatus.BAD_REQUEST)

    names = path.split(b"/")
    kept: list[bytes] = []
    for name in names:
        if name == b"..":
            if not kept:
                raise Refusal(HTTPStatus.FORBIDDEN)
            kept.pop()
        elif name and name != b".":
            kept.append(name)
    if names[-1] in (b"", b".", b".."):
        kept.append(b"")
    return tuple(kept)
