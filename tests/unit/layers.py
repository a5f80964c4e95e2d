"""The direction of imports, as a table and a checker of source trees.

The table is the one of docs/architecture.md. The checker reads source text and imports
nothing, so that it sees every import: those inside functions, those under TYPE_CHECKING, and
``import_module("literal")``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """Rooms of one height. A room imports from lower rows and from itself.

    Attributes:
        siblings: whether rooms of this row may import each other (without a circle).
        stdlib_only: whether third-party packages are refused.
    """

    rooms: frozenset[str]
    siblings: bool = False
    stdlib_only: bool = False


def _row(rooms: str, *, siblings: bool = False, stdlib_only: bool = False) -> Row:
    return Row(frozenset(rooms.split()), siblings, stdlib_only)


VALUES = _row(
    "errors codec plan trial outcome record events consent finding search provision steps folded",
    siblings=True,
    stdlib_only=True,
)
PURE = _row(
    "stats design capacity diagnosis record_json hang judge mask objective archive "
    "between baseline gate whatif openapi config notation verify flame usl tune sought "
    "imports",
    siblings=True,
    stdlib_only=True,
)
FACADE = "__init__"  # syncline itself: what `import syncline` offers, for users and the edges
ROWS = (
    VALUES,
    PURE,
    _row("process _engine"),
    _row("engine agents backends flow launch observe profile store"),
    _row("experiment"),
    _row(FACADE),
    # The edges are one row in the map; among themselves a page may hold a report, and the
    # command line starts both.
    _row("report"),
    _row("web"),
    _row("cli"),
    # In a test one says what one would type, so this edge stands on the command line's.
    _row("testing"),
    _row("pytest_plugin"),
    _row("__main__"),
)
HEIGHT = {room: height for height, row in enumerate(ROWS) for room in row.rooms}

# Rooms, and packages beside syncline, that only some rooms of syncline may import.
ONLY_FOR: Mapping[str, frozenset[str]] = {
    "_engine": frozenset({"engine", "agents", "flow"}),
    "process": frozenset(
        [
            "launch",
            "backends",
            "observe",
            "profile",
            "experiment",
            "web",
            "cli",
            "testing",
            "pytest_plugin",
        ]
    ),
    "syncline_probe": frozenset({"launch", "observe", "profile"}),
    "syncline_cases": frozenset({"experiment", "web", "cli", "testing"}),
}
# What the probe may import beyond the standard library: on request only, if it is there.
ON_REQUEST: Mapping[str, str] = {"syncline_probe.allocations": "memray"}
# What a pure room has no business with: the clock, files, processes, threads, the network.
EFFECTS = frozenset(
    {
        *("asyncio", "http", "logging", "multiprocessing", "os", "pathlib", "select", "selectors"),
        *("shutil", "signal", "socket", "sqlite3", "subprocess", "tempfile", "threading", "time"),
        "urllib",
    }
)


@dataclass(frozen=True, slots=True)
class Import:
    """One import: module ``source``, at ``line``, imports module ``target``."""

    source: str
    line: int
    target: str


def breaches(root: Path) -> list[str]:
    """Every breach of the table in the packages below ``root``, a sentence each."""
    modules = dict(_modules(root))
    imports = [found for name, path in modules.items() for found in _imports(name, path, modules)]
    unknown = sorted(
        {_room(name) for name in modules if _package(name) == "syncline"} - set(HEIGHT)
    )
    return [
        *(f"syncline.{room} has no place in the table of tests/unit/layers.py" for room in unknown),
        *(text for found in imports if (text := _breach(found))),
        *(f"a circle of imports: {' -> '.join(circle)}" for circle in _circles(imports)),
    ]


def _modules(root: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _imports(name: str, path: Path, modules: Mapping[str, Path]) -> Iterator[Import]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        match node:
            case ast.Import(names=names):
                targets = [alias.name for alias in names]
            case ast.ImportFrom(module=module, names=names, level=level):
                base = _absolute(module or "", level, package)
                targets = [_deepest(base, alias.name, modules) for alias in names]
            case ast.Call(func=func, args=[ast.Constant(value=str(target)), *_]) if ast.unparse(
                func
            ).rpartition(".")[2] in ("import_module", "__import__"):
                targets = [target]
            case _:
                continue
        for target in targets:
            yield Import(name, node.lineno, target)


def _absolute(module: str, level: int, package: str) -> str:
    if not level:
        return module
    parents = package.split(".")[: len(package.split(".")) - level + 1]
    return ".".join([*parents, module] if module else parents)


def _deepest(base: str, name: str, modules: Mapping[str, Path]) -> str:
    """``from base import name`` means a module of that name where there is one."""
    full = f"{base}.{name}"
    return full if full in modules or full == "syncline._engine" else base


def _package(module: str) -> str:
    return module.partition(".")[0]


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else FACADE


def _breach(found: Import) -> str | None:
    source, target = _package(found.source), _package(found.target)
    rules = {
        "syncline": _breach_of_syncline,
        "syncline_probe": _breach_of_probe,
        "syncline_cases": _breach_of_cases,
    }
    reason = rules[source](found, target) if source in rules else None
    return f"{found.source}:{found.line} imports {found.target}: {reason}" if reason else None


def _breach_of_syncline(found: Import, package: str) -> str | None:
    room = _room(found.source)
    row = ROWS[HEIGHT[room]] if room in HEIGHT else None
    if row is None:
        return None  # said once, as an unknown room
    if package != "syncline":
        return _breach_outside(room, row, package)
    other = _room(found.target)
    if other == room:
        return None
    if other not in HEIGHT:
        return None
    if other in ONLY_FOR and room not in ONLY_FOR[other]:
        return f"only {', '.join(sorted(ONLY_FOR[other]))} may import {other}"
    if HEIGHT[other] > HEIGHT[room]:
        return f"{other} lies above {room}"
    if HEIGHT[other] == HEIGHT[room] and not row.siblings:
        return f"{other} and {room} are siblings"
    return None


def _breach_outside(room: str, row: Row, package: str) -> str | None:
    if package in ONLY_FOR:
        allowed = ONLY_FOR[package]
        return None if room in allowed else f"only {', '.join(sorted(allowed))} may import it"
    if row.stdlib_only and package not in sys.stdlib_module_names:
        return f"{room} imports only the standard library"
    if row is PURE and package in EFFECTS:
        return f"{room} is pure"
    return None


def _breach_of_probe(found: Import, package: str) -> str | None:
    if package == "syncline_probe" or package in sys.stdlib_module_names:
        return None
    if ON_REQUEST.get(found.source) == package:
        return None
    return "the probe imports only the standard library"


def _breach_of_cases(found: Import, package: str) -> str | None:
    if package == "syncline_probe":
        return "a service knows nothing of the probe"
    if package == "syncline" and _room(found.target) not in VALUES.rooms:
        return "a case imports only values of syncline"
    return None


def _circles(imports: list[Import]) -> list[list[str]]:
    """One circle for each module that closes one, found depth first.

    A package's ``__init__`` that imports its own modules is no circle by itself.
    """
    graph: dict[str, set[str]] = {}
    for found in imports:
        if found.source != found.target and _package(found.source) == "syncline":
            graph.setdefault(found.source, set()).add(found.target)
    circles: list[list[str]] = []
    done: set[str] = set()

    def visit(module: str, trail: list[str]) -> None:
        if module in trail:
            circles.append([*trail[trail.index(module) :], module])
        elif module not in done:
            for target in sorted(graph.get(module, ())):
                visit(target, [*trail, module])
            done.add(module)

    for module in sorted(graph):
        visit(module, [])
    return circles
