"""A service that is up while tests ask it things."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from syncline.launch import Service, start_service
from syncline.process import Workspace
from syncline.testing.asked import Target


def served(app: str, env: Mapping[str, str], folder: Path, workspace: Workspace) -> Service:
    """Starts an application as ``syncline run`` would; to be ended by the caller.

    Raises:
        UsageError: there is no such application.
        ServiceStartError: it does not start; with the end of its log.
    """
    case = Target(word=app, env=env, working_dir=str(folder)).case()
    variant = case.variant(case.default_variants[0])
    return start_service(variant, workspace=workspace, env={}, ready_path=case.ready_path)
