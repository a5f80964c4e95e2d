"""What a project is, told from its files alone: nothing of it is imported or run."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from syncline.trial import Interface

_SKIPPED = {
    *("tests", "test", "docs", "node_modules", "build", "dist", "site-packages", "migrations"),
    *("alembic", "versions", "venv", "env", "__pycache__", "examples", "scripts"),
}
_MOST_FILES = 2000
_MOST_BYTES = 1_000_000
# What makes an application, by what it is called with: framework and interface.
_MAKERS: dict[str, tuple[str, Interface]] = {
    "FastAPI": ("fastapi", "asgi"),
    "Starlette": ("starlette", "asgi"),
    "Litestar": ("litestar", "asgi"),
    "Quart": ("quart", "asgi"),
    "Flask": ("flask", "wsgi"),
    "get_asgi_application": ("django", "asgi"),
    "get_wsgi_application": ("django", "wsgi"),
    "falcon.App": ("falcon", "wsgi"),
    "falcon.asgi.App": ("falcon", "asgi"),
}
_MAIN_FILES = ("main.py", "app.py", "asgi.py", "wsgi.py", "__init__.py", "server.py", "api.py")
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_SCHEME = re.compile(r"^(postgres(?:ql)?|mysql|mariadb|rediss?|valkey)(\+\w+)?$")
_SEEDS = ("initial_data.py", "seed.py", "seeds.py", "init_db.py", "seed_data.py")


@dataclass(frozen=True, slots=True)
class App:
    """An application that the source makes: ``module:attribute`` or ``file.py:attribute``.

    The attribute may be a function that makes it.
    """

    name: str
    framework: str
    interface: Interface
    file: str


@dataclass(frozen=True, slots=True)
class Setting:
    """An environment variable that the project reads.

    Attributes:
        required: whether it has no default.
        kind: its annotation, such as ``str``; empty if it has none.
    """

    name: str
    required: bool
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """What was found. Paths are relative to the folder, with ``/`` in them.

    Attributes:
        apps: the likeliest first.
        dependencies: names of distributions, in small letters.
        schemes: of database URLs that stand in the source: ``postgresql+asyncpg``.
        sql: files of SQL that make tables.
        seeds: modules that fill them, as ``python -m`` names them.
        alembic: whether there is an ``alembic.ini``.
        python: a virtual environment's interpreter in the folder, or empty.
    """

    name: str
    apps: tuple[App, ...]
    settings: tuple[Setting, ...]
    dependencies: frozenset[str]
    schemes: tuple[str, ...]
    sql: tuple[str, ...]
    seeds: tuple[str, ...]
    alembic: bool
    python: str


@dataclass
class _Seen:
    apps: list[App] = field(default_factory=list)
    settings: dict[str, Setting] = field(default_factory=dict)
    schemes: dict[str, None] = field(default_factory=dict)
    seeds: list[str] = field(default_factory=list)


def look(folder: Path) -> Project:
    """What the project in a folder is. Files that cannot be read or parsed are passed over."""
    seen = _Seen()
    for path in _sources(folder):
        try:
            if path.stat().st_size > _MOST_BYTES:
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, SyntaxError, ValueError):
            continue
        _read_module(path, folder, tree, seen)
    interpreter = next(
        (name for name in (".venv", "venv") if (folder / name / "bin" / "python").exists()), ""
    )
    sql = [path for path in _files(folder, ".sql") if _makes_tables(path)]
    return Project(
        name=_project_name(folder),
        apps=tuple(sorted(seen.apps, key=_unlikely)),
        settings=tuple(seen.settings.values()),
        dependencies=frozenset(_dependencies(folder)),
        schemes=tuple(seen.schemes),
        sql=tuple(path.relative_to(folder).as_posix() for path in sql),
        seeds=tuple(seen.seeds),
        alembic=(folder / "alembic.ini").is_file(),
        python=f"{interpreter}/bin/python" if interpreter else "",
    )


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    count = 0
    for above, names, files in os.walk(folder):
        names[:] = sorted(
            name for name in names if name.lower() not in _SKIPPED and not name.startswith(".")
        )
        for name in sorted(files):
            if name.endswith(suffix):
                count += 1
                if count > _MOST_FILES:
                    return
                yield Path(above) / name


def _sources(folder: Path) -> Iterator[Path]:
    for path in _files(folder, ".py"):
        if not path.name.startswith("test_") and path.name != "conftest.py":
            yield path


def _read_module(path: Path, folder: Path, tree: ast.Module, seen: _Seen) -> None:
    relative = path.relative_to(folder)
    for node in tree.body:
        found = _assigned(node)
        if isinstance(node, ast.FunctionDef) and (made := _made_by(node)):
            found = node.name, made
        if found is not None:
            name = _app_name(relative, folder, found[0])
            seen.apps.append(App(name, *found[1], relative.as_posix()))
    for inner in ast.walk(tree):
        if isinstance(inner, ast.ClassDef) and any(
            ast.unparse(base).endswith("BaseSettings") for base in inner.bases
        ):
            _read_settings(inner, seen)
        elif isinstance(inner, ast.Call | ast.Subscript):
            _read_environment(inner, seen)
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            scheme = inner.value.partition("://")[0]
            is_url = "://" in inner.value or "+" in scheme
            if is_url and len(scheme) < 40 and _SCHEME.match(scheme):
                seen.schemes[scheme] = None
    if path.name in _SEEDS:
        seen.seeds.append(".".join(relative.with_suffix("").parts))


def _maker(call: ast.Call) -> tuple[str, Interface] | None:
    words = ast.unparse(call.func)
    return _MAKERS.get(words) or _MAKERS.get(words.rpartition(".")[2])


def _assigned(node: ast.AST) -> tuple[str, tuple[str, Interface]] | None:
    """The name that is given an application as it is made, with framework and interface."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
        return None
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    made = _maker(node.value)
    return (target.id, made) if made and isinstance(target, ast.Name) else None


def _made_by(function: ast.FunctionDef) -> tuple[str, Interface] | None:
    """The framework and interface of what a function returns that can be called with nothing."""
    given = function.args
    needed = len(given.posonlyargs) + len(given.args) > len(given.defaults)
    if needed or any(default is None for default in given.kw_defaults):
        return None
    made: dict[str, tuple[str, Interface]] = {}
    returned: list[ast.expr] = []
    for inner in ast.walk(function):
        if (found := _assigned(inner)) is not None:
            made[found[0]] = found[1]
        elif isinstance(inner, ast.Return) and inner.value is not None:
            returned.append(inner.value)
    for value in returned:
        maker = _maker(value) if isinstance(value, ast.Call) else made.get(ast.unparse(value))
        if maker:
            return maker
    return None


def _app_name(relative: Path, folder: Path, attribute: str) -> str:
    parts = relative.with_suffix("").parts
    above = relative.parent
    # A module is imported from the folder if each folder on the way is a package, or could be
    # one; src/ is none, whatever else it is.
    if parts[0] == "src" or any(not part.isidentifier() for part in parts):
        return f"{relative.as_posix()}:{attribute}"
    inits = [(folder / one / "__init__.py").is_file() for one in (above, *above.parents)][:-1]
    if inits and inits[0] and not all(inits):
        return f"{relative.as_posix()}:{attribute}"
    if parts[-1] == "__init__":
        parts = parts[:-1]
    return f"{'.'.join(parts)}:{attribute}"


def _unlikely(app: App) -> tuple[int, int, int, str]:
    name = app.file.rpartition("/")[2]
    rank = _MAIN_FILES.index(name) if name in _MAIN_FILES else len(_MAIN_FILES)
    attribute = app.name.rpartition(":")[2]
    return app.file.count("/"), rank, int(attribute not in ("app", "application")), app.name


def _read_settings(node: ast.ClassDef, seen: _Seen) -> None:
    prefix = ""
    for inner in ast.walk(node):
        if isinstance(inner, ast.keyword) and inner.arg == "env_prefix":
            prefix = str(getattr(inner.value, "value", ""))
    for item in node.body:
        if not (isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)):
            continue
        if item.target.id == "model_config" or "ClassVar" in ast.unparse(item.annotation):
            continue
        call = item.value
        required = call is None
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("Field"):
            names = {keyword.arg for keyword in call.keywords}
            first = call.args[0] if call.args else None
            ellipsis = isinstance(first, ast.Constant) and first.value is ...
            required = ellipsis or not (call.args or names & {"default", "default_factory"})
        _add(seen, f"{prefix}{item.target.id}".upper(), required, ast.unparse(item.annotation))


def _read_environment(node: ast.Call | ast.Subscript, seen: _Seen) -> None:
    if isinstance(node, ast.Subscript):
        where, key, required = ast.unparse(node.value), node.slice, True
    else:
        if not node.args:
            return
        where, key, required = ast.unparse(node.func), node.args[0], False
    known = ("os.environ", "environ", "os.getenv", "getenv", "os.environ.get", "environ.get")
    if where in known and isinstance(key, ast.Constant) and isinstance(key.value, str):
        _add(seen, key.value, required, "")


def _add(seen: _Seen, name: str, required: bool, kind: str) -> None:
    before = seen.settings.get(name)
    if before is None or required:
        seen.settings[name] = Setting(name, required, kind)


def _makes_tables(path: Path) -> bool:
    try:
        return "create table" in path.read_text(encoding="utf-8").lower()
    except (OSError, UnicodeDecodeError):
        return False


def _pyproject(folder: Path) -> dict[str, object]:
    try:
        found = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    project = found.get("project", {})
    return project if isinstance(project, dict) else {}


def _project_name(folder: Path) -> str:
    return str(_pyproject(folder).get("name") or folder.resolve().name)


def _dependencies(folder: Path) -> Iterator[str]:
    listed = _pyproject(folder).get("dependencies", [])
    lines = [str(line) for line in listed] if isinstance(listed, list) else []
    for path in sorted(folder.glob("requirements*.txt")):
        try:
            lines += path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
    for line in lines:
        if found := _REQUIREMENT.match(line):
            yield found[1].lower().replace("_", "-")
