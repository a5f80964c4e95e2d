"""What driver and agents say to each other: JSON as compressed bytes, nothing that can be run."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from syncline.errors import MeasurementError

# A result of an hour's intervals is a few megabytes; plan's files come as base64 within.
MOST_BYTES = 512 * 1024 * 1024


def encode(message: Mapping[str, Any]) -> bytes:
    """A message as bytes."""
    return zlib.compress(json.dumps(message, allow_nan=False).encode(), 1)


def decode(data: object) -> dict[str, Any]:
    """A message from bytes.

    Raises:
        MeasurementError: it is none, or larger than any honest one.
    """
    if not isinstance(data, bytes):
        raise MeasurementError(f"An agent answered with {type(data).__name__} instead of bytes.")
    unpack = zlib.decompressobj()
    try:
        text = unpack.decompress(data, MOST_BYTES)
        if unpack.unconsumed_tail or not unpack.eof:
            raise MeasurementError("An agent's answer is cut off or too large to be one.")
        message = json.loads(text)
    except (zlib.error, ValueError) as error:
        raise MeasurementError(f"An agent's answer cannot be read: {error}.") from None
    if not isinstance(message, dict):
        raise MeasurementError("An agent's answer is no JSON object.")
    return message
