"""What it costs to make answers: JSON, FastAPI's validation and serialisation, templates."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from syncline_probe.board import Board
from syncline_probe.effort import answers

_METHODS = {
    "json": (("JSONEncoder", ("encode",)),),
    "jinja2.environment": (("Template", ("render",)),),
    "django.template.base": (("Template", ("render",)),),
    "fastapi.routing": (("ModelField", ("validate", "serialize", "serialize_json")),),
}
_FUNCTIONS = {"orjson": ("dumps",)}
_GLOBALS = {"fastapi.routing": ("jsonable_encoder",)}


def install(board: Board, library: ModuleType | None) -> None:
    """For each of the modules above; what a version of it lacks is passed over."""
    module: Any = library
    for kind_name, methods in _METHODS.get(module.__name__, ()):
        kind = getattr(module, kind_name, None)
        for name in methods:
            if callable(getattr(kind, name, None)):
                answers.time_method(kind, name)
    for name in _FUNCTIONS.get(module.__name__, ()):
        if callable(getattr(module, name, None)):
            answers.time_function(module, name)
    for name in _GLOBALS.get(module.__name__, ()):
        if callable(getattr(module, name, None)):
            answers.time_global(module, name)
    answers.report(board)
