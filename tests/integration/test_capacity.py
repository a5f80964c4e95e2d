"""`syncline capacity` on a real service of which the capacity is known."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SLEEP_S = 0.004

# One request at a time, 4 ms each: 250 a second at the very most, whatever the machine.
SERVICE = f"""
import asyncio
import time

one_at_a_time = asyncio.Lock()

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    async with one_at_a_time:
        until = time.perf_counter() + {SLEEP_S}
        while time.perf_counter() < until:
            await asyncio.sleep(0.0005)
    head = {{"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}}
    await send(head)
    await send({{"type": "http.response.body", "body": b"ok"}})
"""


def test_the_capacity_of_a_service_that_takes_4_ms_for_each_is_found(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SERVICE, encoding="utf-8")
    words = ["capacity", "app.py:app", "--path", "/", "--objective", "p99<300ms,errors<1%"]
    words += ["--quick", "--levels", "1,8", "--budget", "17s", "--json", "found.json"]
    ended = subprocess.run(
        [sys.executable, "-c", "from syncline.cli import main; main()", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode in (0, 3), ended.stderr
    data = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    (found,) = data["capacities"]
    beyond = [step for step in found["steps"] if step["rate_rps"] > 1.2 / SLEEP_S]
    assert all(step["verdict"] != "met" for step in beyond)
    if ended.returncode == 3:  # the machine was too busy for a single step, which it must say
        assert {step["verdict"] for step in found["steps"]} == {"unknown"}
        assert "could be measured" in data["sentence"]
        return
    # A busy machine makes the service slower, nothing makes it faster.
    assert 0.2 / SLEEP_S < found["rate_rps"] <= 1.1 / SLEEP_S
    assert data["sentence"].startswith("as-is stands up to ")
    assert "req/s" in ended.stdout
