"""Doing something with a module at the moment it has been imported, and not before."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class ImportWatch:
    """A finder on ``sys.meta_path`` that calls back once a wanted module has been executed.

    It finds nothing itself: it asks the finders after it and puts itself around the execution
    of that one module, so the module's loader, resources and sources stay what they were.
    """

    def __init__(self) -> None:
        self._wanted: dict[str, list[Callable[[ModuleType], None]]] = {}
        self._asking = threading.local()

    def when_imported(self, name: str, call: Callable[[ModuleType], None]) -> None:
        """Calls ``call(module)`` after the module's import, at once if that is past."""
        module = sys.modules.get(name)
        if module is not None:
            call(module)
        else:
            self._wanted.setdefault(name, []).append(call)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the other finders give, for a wanted module; else None."""
        if name not in self._wanted or getattr(self._asking, "name", None) == name:
            return None
        self._asking.name = name
        try:
            spec = _first_spec(name, path, target, skip=self)
        finally:
            self._asking.name = None
        if spec is not None and spec.loader is not None:
            self._surround(spec.loader, name)
        return spec

    def _surround(self, loader: Any, name: str) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            vars(loader).pop("exec_module", None)
            for call in self._wanted.pop(name, ()):
                call(module)

        try:
            # A loader found by a path is an object of its own for each module.
            loader.exec_module = exec_module
        except AttributeError:  # a compiled loader: the library goes unhooked
            self._wanted.pop(name, None)


def _first_spec(
    name: str, path: Sequence[str] | None, target: ModuleType | None, *, skip: object
) -> ModuleSpec | None:
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        if finder is not skip and find is not None:
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None:
                return spec
    return None
