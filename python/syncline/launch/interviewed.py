"""What an application says of itself, asked in a process of its own: ours imports none of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from syncline.errors import UsageError
from syncline.launch.service import service_env
from syncline.process import ChildSpec, Workspace, spawn
from syncline.trial import Interface, Server, Variant

_TIMEOUT_S = 60.0
_SCRIPT = Path(__file__).with_name("interview.py")


@dataclass(frozen=True, slots=True)
class AppFacts:
    """What is known of an application.

    Attributes:
        interface: ``asgi`` or ``wsgi``.
        factory: whether what was named makes the application.
        framework: its package, such as ``fastapi``; empty if it is none that is known.
        openapi: its OpenAPI document, if it can make one without being asked over HTTP.
        paths: paths that take GET and no values, if it lists its routes.
        servers: those installed beside it.
    """

    interface: Interface
    framework: str
    openapi: Any
    paths: tuple[str, ...]
    servers: tuple[Server, ...]
    factory: bool = False


def interview(app: str, variant: Variant, env: Mapping[str, str], workspace: Workspace) -> AppFacts:
    """Imports an application in a child process and asks it what it is.

    Args:
        app: ``module:attribute``, or ``module:attribute()`` of what makes the application.
        variant: whose interpreter, folder and environment it gets.
        env: what its back ends' variables hold; nothing need answer there.

    Raises:
        UsageError: it cannot be imported or is no application; with its own words.
    """
    output = workspace.directory("interview") / "facts.json"
    child = spawn(
        ChildSpec(
            argv=(variant.python or sys.executable, str(_SCRIPT), app, str(output)),
            workspace=workspace,
            name="interview",
            env=service_env(variant, env),
            cwd=Path(variant.working_dir) if variant.working_dir else None,
        )
    )
    try:
        status = child.wait(_TIMEOUT_S)
    finally:
        child.stop(0)
    if status is None or not output.exists():
        what = f"took over {_TIMEOUT_S:g} s to import" if status is None else "ended its process"
        raise UsageError(f"{app} {what}. Its last words:\n{child.log_tail(8)}")
    found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    if "error" in found:
        raise UsageError(f"{found['error']}.")
    return AppFacts(
        interface=found["interface"],
        framework=found["framework"],
        openapi=found["openapi"],
        paths=tuple(found["paths"]),
        servers=tuple(name for name in found["servers"] if name in get_args(Server)),
        factory=found["factory"],
    )
