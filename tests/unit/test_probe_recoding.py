"""Functions of libraries that are another for a while."""

from __future__ import annotations

import asyncio
from typing import Any

from syncline_probe.recoding import replaced


def doubled(original: Any) -> Any:
    def call(*args: Any, **options: Any) -> Any:
        return 2 * original(*args, **options)

    return call


def test_a_method_is_another_until_it_is_given_its_own_code_again() -> None:
    class Kind:
        def work(self, value: int = 1, *, more: int = 0) -> int:
            return value + more

        @classmethod
        def made(cls, value: int) -> tuple[str, int]:
            return cls.__name__, value

    class Heir(Kind):
        pass

    held, code = Heir().work, Kind.work.__code__
    switch = replaced(Kind, "work", doubled)
    assert switch is not None
    assert (held(), held(2, more=3), Kind().work(value=4)) == (2, 10, 8)
    switch.turn(on=False)
    assert (held(), Kind.work.__code__) == (1, code)
    switch.turn(on=True)
    assert held() == 2
    made = replaced(Kind, "made", lambda call: lambda cls, value: call(cls, 2 * value))
    assert made is not None
    assert Heir.made(3) == ("Heir", 6)
    made.turn(on=False)
    assert Heir.made(3) == ("Heir", 3)


def test_a_coroutine_function_gives_coroutines_all_the_time() -> None:
    class Kind:
        async def work(self, value: int) -> int:
            await asyncio.sleep(0)
            return value

    def wrap(original: Any) -> Any:
        async def call(*args: Any) -> int:
            return 1 + int(await original(*args))

        return call

    switch = replaced(Kind, "work", wrap)
    assert switch is not None
    assert asyncio.run(Kind().work(1)) == 2
    switch.turn(on=False)
    assert asyncio.run(Kind().work(1)) == 1


def test_what_has_no_code_to_change_is_wrapped_for_good() -> None:
    step = 3

    class Kind:
        def work(self) -> int:
            return step

        @classmethod
        def made(cls) -> int:
            return step

    assert replaced(Kind, "work", doubled) is None
    assert replaced(Kind, "made", doubled) is None
    assert (Kind().work(), Kind.made(), Kind().made()) == (6, 6, 6)
    assert Kind.work.__name__ == "work"
