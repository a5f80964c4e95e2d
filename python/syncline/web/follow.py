"""What happens in a run, as server-sent events: from the run's own file, or from the store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.concurrency import run_in_threadpool

from syncline.mask import mask
from syncline.report import clean
from syncline.report.live_events import told_trial
from syncline.web.kept import Kept
from syncline.web.runner import Active

_LOOK_S = 0.25
_LOOK_AT_STORE_S = 1.0
_CHUNK = 256 * 1024
_LONGEST = 64 * 1024  # of a line: whoever writes longer ones is not the run


async def follow_active(active: Active, offset: int) -> AsyncIterator[bytes]:
    """The lines of a run's file from that byte on, and at last how it ended.

    An event's id is the byte after it, so that a browser that lost the connection goes on there.
    """
    with active.events.open("rb") as stream:
        stream.seek(offset)
        rest = b""
        while True:
            ended = active.ended  # before the look: what was written before its end is read
            data = stream.read(_CHUNK)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                offset += len(line) + 1
                if len(line) <= _LONGEST:
                    yield _event(line, offset)
            if len(rest) > _LONGEST:
                return
            if not data and ended:
                break
            if not data:
                await asyncio.sleep(_LOOK_S)
    text = "" if active.status in (0, 1) else _plain(active.last_words())
    yield _event(_json({"kind": "exit", "status": active.status, "text": text}), offset)


async def follow_stored(kept: Kept, run_id: str, told: int) -> AsyncIterator[bytes]:
    """Each trial of a run that somebody else drives once it is in the store, after the first
    ``told``, and at last its end."""
    record = await run_in_threadpool(kept.record, run_id)
    head = {"kind": "run", "id": run_id, "case": record.case.name, "title": record.case.title}
    yield _event(_json({**head, "total": len(record.planned)}), told)
    while True:
        for trial, outcome in record.trials[told:]:
            told += 1
            yield _event(_json(told_trial(told, len(record.planned), trial, outcome)), told)
        if record.status != "running":
            break
        while True:
            await asyncio.sleep(_LOOK_AT_STORE_S)
            summary = await run_in_threadpool(kept.summary, run_id)
            if summary.done != told or summary.status != "running":
                break
            yield b": still there\n\n"
        record = await run_in_threadpool(kept.record, run_id)
    yield _event(_json({"kind": "end", "status": record.status, "done": told}), told)


def _plain(output: str) -> str:
    return "\n".join(clean.lines(mask(output)))


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, allow_nan=False).encode()


def _event(line: bytes, number: int) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (number, line.replace(b"\r", b""))
