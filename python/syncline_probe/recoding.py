"""Functions of libraries that are another for a while, and otherwise as their authors left them.

A wrapper is paid for at each call, and in the middle of a request two to three times as dearly as
by itself. A function of Python whose code is changed instead costs nothing while it has its own.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

# Without the interpreter's lock, another thread may be in the function while its code is changed.
_FREE = not getattr(sys, "_is_gil_enabled", lambda: True)()


class Recoded:
    """A function of Python that has either its own code or another's.

    So next to nothing is paid while it is its own (from 3.13 on, the interpreter calls a function
    whose code was changed a little slower for good), and whoever holds it holds the right one.

    Args:
        other: the other code; without free variables.
    """

    def __init__(self, function: FunctionType, other: CodeType) -> None:
        self._function = function
        self._own = self._now = function.__code__
        self._other = other.replace(co_name=self._own.co_name)

    def turn(self, *, on: bool) -> None:
        """To the other's code, or back to its own."""
        code = self._other if on else self._own
        # If it is neither, somebody else changes it, too: then it is left to them.
        if code is not self._now and self._function.__code__ is self._now:
            self._now = self._function.__code__ = code


def recodable(function: object) -> bool:
    """Whether its code can be changed: a function of Python that needs no cells."""
    return isinstance(function, FunctionType) and not function.__code__.co_freevars and not _FREE


def replaced(kind: Any, name: str, wrap: Callable[[Any], Any]) -> Recoded | None:
    """Replaces a method of a class, or a class method, by what ``wrap`` makes of it.

    Returns:
        What gives and takes the method its own code again, where that is possible; it is taken.
    """
    found = next(vars(one)[name] for one in kind.__mro__ if name in vars(one))
    function = getattr(found, "__func__", found)
    if recodable(function):
        switch = Recoded(function, passing(wrap(copied(function))))
        switch.turn(on=True)
        return switch
    new = wrap(function)
    if isinstance(function, FunctionType):
        functools.update_wrapper(new, function)
    setattr(kind, name, classmethod(new) if isinstance(found, classmethod) else new)
    return None


def copied(function: Any) -> Any:
    """A function that stays as this one is now; one that is not of Python stays so anyhow."""
    if not isinstance(function, FunctionType):
        return function
    copy = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return functools.update_wrapper(copy, function)


def with_constants(code: CodeType, given: dict[str, object]) -> CodeType:
    """A code in which these texts among its constants are something else.

    It needs nothing of where it was written, and so can be any function's.
    """
    return code.replace(
        co_consts=tuple(given.get(one, one) if type(one) is str else one for one in code.co_consts)
    )


def passing(call: Callable[..., Any]) -> CodeType:
    """The code of a function that passes its calls on."""
    return with_constants(_pass_on.__code__, {"who is called": call})


def _pass_on(*args: Any, **options: Any) -> Any:
    call: Any = "who is called"
    return call(*args, **options)
