"""Reading the bounded log that a guard keeps of its child's output."""

from __future__ import annotations

from pathlib import Path

_COUNT_BYTES = 8


def read_log(path: Path) -> str:
    """All that is kept: the beginning, a line that says how much is left out, the newest.

    Bytes that are no UTF-8 are replaced. Empty if there is no such log.
    """
    try:
        head = path.read_bytes()
        ring = path.with_name(path.name + ".ring").read_bytes()
    except OSError:
        return ""
    total = int.from_bytes(ring[:_COUNT_BYTES], "little")
    ring = ring[_COUNT_BYTES:]
    if total > len(ring):
        seam = total % len(ring)
        note = f"\n[{total - len(ring)} bytes of output left out here]\n"
        ring = note.encode() + ring[seam:] + ring[:seam]
    return (head + ring).decode("utf-8", "replace")


def tail_of(text: str, lines: int) -> str:
    """The last lines of a text."""
    return "\n".join(text.splitlines()[-lines:]) if lines > 0 else ""
