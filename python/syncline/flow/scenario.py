"""A scenario's file becomes what makes its flows."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path

from syncline.errors import UsageError
from syncline.flow.values import Flow, Scenario, User
from syncline.plan import Plan

Begin = Callable[[User], Flow]


def open_scenario(scenario: Scenario, plan: Plan) -> Begin:
    """What begins one flow of a user.

    Raises:
        UsageError: the file or the function is not there, or is not what it should be.
    """
    if scenario.kind == "wrk":
        from syncline.flow.wrk import open_script  # late: it needs an extra

        return open_script(scenario, plan).flow
    return _function(scenario)


def _function(scenario: Scenario) -> Begin:
    path = Path(scenario.file)
    spec = importlib.util.spec_from_file_location(f"scenario_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file; write FILE.py:FUNCTION.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.resolve().parent))  # as if the file were run itself
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(
            f"{path} cannot be loaded: {type(error).__name__}: {error}. "
            "It is run as a module, with the Python that runs Syncline."
        ) from error
    function = getattr(module, scenario.name, None)
    flows = [name for name, one in vars(module).items() if inspect.isgeneratorfunction(one)]
    if not inspect.isgeneratorfunction(function):
        there = f"it has: {', '.join(flows)}" if flows else "it has none"
        raise UsageError(
            f"{path} has no flow {scenario.name!r} (a generator function that yields Step); "
            f"{there}."
        )
    count = len(inspect.signature(function).parameters)
    if count > 1:
        raise UsageError(f"{path}: {scenario.name} takes {count} arguments; a flow takes the user.")
    return function if count else lambda _user: function()
