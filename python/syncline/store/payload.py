"""Values as bytes in a column: zlib-compressed JSON under a checksum.

Payloads are data: reading one builds values and evaluates nothing. A store may come from
elsewhere, so what a payload unpacks to is bounded.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import Any

from syncline.codec import to_json
from syncline.errors import StoreError

UNPACKED_LIMIT_BYTES = 512 * 1024 * 1024


def pack(value: object) -> tuple[bytes, str]:
    """The value as bytes, and their SHA-256 in hexadecimal digits."""
    text = json.dumps(to_json(value), separators=(",", ":"), allow_nan=False)
    packed = zlib.compress(text.encode())
    return packed, hashlib.sha256(packed).hexdigest()


def unpack(packed: bytes, checksum: str, where: str) -> Any:
    """The JSON data of a payload.

    Args:
        where: what the payload is, for messages: ``trial 3 of run 20…``.

    Raises:
        StoreError: the bytes are not those that were written, or too many.
    """
    if hashlib.sha256(packed).hexdigest() != checksum:
        raise StoreError(
            f"{where} is damaged: its checksum does not fit. Restore the store from a copy, "
            "or run again."
        )
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, UNPACKED_LIMIT_BYTES)
        if unpacker.unconsumed_tail:
            raise StoreError(f"{where} is longer than {UNPACKED_LIMIT_BYTES} bytes; not read.")
        if not unpacker.eof:
            raise StoreError(f"{where} is cut short. Run again.")
        return json.loads(text)
    except (zlib.error, ValueError, RecursionError) as error:
        raise StoreError(f"{where} cannot be read: {error}.") from error
