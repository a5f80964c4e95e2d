"""Runs one plan in this process and writes the result: ``python -m tests.calibration.apart``.

Standard input is a JSON object with the ``plan`` and what this process is to live under:

- ``descriptors``: the limit on open files;
- ``hosts``: a file to see as /etc/hosts (needs a mount namespace of its own);
- ``ports``: the range of client ports (needs a network namespace of its own);
- ``serve``: true to start a server here, since nothing outside can be reached, and aim at it.
"""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from syncline import engine
from syncline.codec import from_json, to_json
from syncline.plan import Plan

from .servers import serve
from .servers.behaviours import Reply
from .servers.threaded import Threaded


def main() -> None:
    """Read, confine, run, write."""
    asked = json.load(sys.stdin)
    plan = from_json(Plan, asked["plan"])
    with contextlib.ExitStack() as stack:
        confine(asked)
        if asked.get("serve"):
            server = stack.enter_context(serve(Threaded(Reply(after_s=0.002))))
            plan = replace(plan, target=server.url)
        if limit := asked.get("descriptors"):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        begun = time.monotonic()
        result = engine.load(plan)
        wall_s = time.monotonic() - begun
    json.dump({"result": to_json(result), "wall_s": wall_s}, sys.stdout)


def confine(asked: dict[str, Any]) -> None:
    """Change this process's own view of names and networks."""
    if hosts := asked.get("hosts"):
        subprocess.run([_program("mount"), "--bind", hosts, "/etc/hosts"], check=True)
    if ports := asked.get("ports"):
        subprocess.run([_program("ip"), "link", "set", "lo", "up"], check=True)
        Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(ports)


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise SystemExit(f"{name} is not installed")
    return path


if __name__ == "__main__":
    main()
