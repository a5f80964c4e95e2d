"""Asks an application what it is: ``python interview.py MODULE:ATTRIBUTE FILE``.

Run in the service's folder by its own interpreter, whatever its version from 3.8 on, so it uses
the standard library alone and nothing newer than that. It writes what it learned to FILE, as JSON.
"""

import importlib
import importlib.util
import inspect
import json
import os
import sys
import traceback
import typing

CALL = "()"  # after the name of what makes the application
SERVERS = ("uvicorn", "granian", "hypercorn", "gunicorn", "waitress")


def main(named: str) -> dict[str, object]:
    """What is known of the application, or the reason why nothing is."""
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as the servers do
    module_name, _, attribute = named.partition(":")
    called = attribute.endswith(CALL)
    attribute = attribute[: -len(CALL)] if called else attribute
    try:
        found: typing.Any = importlib.import_module(module_name)
    except BaseException as error:  # noqa: BLE001 - a module may end by sys.exit
        return {"error": _sentence(module_name, error)}
    try:
        for part in attribute.split("."):
            found = getattr(found, part)
    except AttributeError:
        return {"error": _lacks(module_name, attribute, found)}
    if called or _is_factory(found):
        called = True
        try:
            found = found()
        except BaseException as error:  # noqa: BLE001 - as above
            return {"error": _failed(f"{named} was called to make the application, and", error)}
    interface, why_not = _interface(found)
    if why_not and called:
        why_not = f"makes what {why_not}"
    if why_not:
        return {"error": f"{named} {why_not}"}
    return {
        "interface": interface,
        "factory": called,
        "framework": _framework(found),
        "openapi": _openapi(found),
        "paths": _paths(found),
        "servers": [name for name in SERVERS if _has(name)],
    }


def _has(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _sentence(module: str, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
        return f"There is no module {error.name} to import in {os.getcwd()}"  # noqa: PTH109
    return _failed(f"{module} cannot be imported", error)


def _failed(what: str, error: BaseException) -> str:
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename and frame.filename != __file__
    ]
    where = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
    text = " ".join(str(error).split()) or "no reason given"
    return f"{what}{where}: {type(error).__name__}: {text}"


def _is_factory(value: object) -> bool:
    """Whether it is a function that takes nothing: no application, but what may make one."""
    if not inspect.isroutine(value) or inspect.iscoroutinefunction(value):
        return False
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return False
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(one.default is not one.empty and one.kind not in variable for one in parameters)


def _lacks(module: str, attribute: str, found: object) -> str:
    callables = [name for name in vars(found) if _is_app(getattr(found, name, None))]
    offered = f"; it has the applications {', '.join(sorted(callables))}" if callables else ""
    return f"{module} has no {attribute}{offered}"


def _is_app(value: object) -> bool:
    names = {base.__name__ for base in type(value).__mro__}
    return bool(names & {"FastAPI", "Starlette", "Litestar", "Flask", "WSGIHandler", "ASGIHandler"})


def _interface(app: typing.Any) -> "tuple[str, str]":
    """``asgi`` or ``wsgi``; or nothing, and why."""
    kinds = {f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in type(app).__mro__}
    if "aiohttp.Application" in kinds:
        return "", "is an aiohttp application, which is a server of its own: use --command"
    if not callable(app):
        return "", f"is no application but a {type(app).__name__}"
    if isinstance(app, type):
        return "", "is a class; name an object that it makes"
    call = app if inspect.isroutine(app) else type(app).__call__
    if inspect.iscoroutinefunction(call):
        return "asgi", ""
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return "wsgi", ""
    needed = [
        one
        for one in parameters
        if one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) == 3:
        return "asgi", ""
    if len(needed) == 2 or any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return "wsgi", ""
    return "", "takes neither what ASGI nor what WSGI hands over"


def _framework(app: object) -> str:
    for base in type(app).__mro__:
        package = base.__module__.partition(".")[0]
        if package in sys.modules and package not in ("builtins", "__main__", "typing", "abc"):
            known = {"fastapi", "starlette", "litestar", "flask", "django", "falcon", "quart"}
            if package in known:
                return str(package)
    return ""


def _openapi(app: object) -> object:
    """The document, from frameworks that can make it without a request."""
    try:
        if callable(getattr(app, "openapi", None)):
            return json.loads(json.dumps(app.openapi(), default=str))  # type: ignore[attr-defined]
        schema: typing.Any = getattr(app, "openapi_schema", None)
        if hasattr(schema, "to_schema"):
            return json.loads(json.dumps(schema.to_schema(), default=str))
    except Exception as error:  # noqa: BLE001 - without a document the routes are asked
        sys.stderr.write(f"its OpenAPI document cannot be made: {error!r}\n")
    return None


def _paths(app: object) -> "list[str]":
    """Paths that take GET and no values, of frameworks that list their routes."""
    found = []
    rules = getattr(app, "url_map", None)
    if hasattr(rules, "iter_rules"):
        found = [
            rule.rule
            for rule in rules.iter_rules()  # type: ignore[union-attr]
            if "GET" in (rule.methods or ()) and not rule.arguments
        ]
    elif _framework(app) == "starlette":
        found = [
            route.path
            for route in getattr(app, "routes", [])
            if "GET" in (getattr(route, "methods", None) or ()) and "{" not in route.path
        ]
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    text = json.dumps(main(sys.argv[1]))
    with open(sys.argv[2], "w", encoding="utf-8") as output:  # noqa: PTH123
        output.write(text)
    sys.stdout.flush()
    os._exit(0)  # threads that the application started would keep it
