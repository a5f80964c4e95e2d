"""Helpers of the tests that hold database observers to the truth."""

from __future__ import annotations

import time

import pytest

from syncline.backends import Backend, provide
from syncline.errors import EnvironmentLackError
from syncline.observe import Observer
from syncline.process import Workspace
from tests.integration.children import eventually


def provided(name: str, settings: dict[str, str], workspace: Workspace) -> Backend:
    try:
        return provide(name, settings, workspace)
    except EnvironmentLackError as lack:
        pytest.skip(str(lack))


def sample(observer: Observer) -> dict[str, float | None]:
    return observer.sample(time.monotonic())


def becomes(observer: Observer, name: str, value: float) -> dict[str, float | None]:
    """The first sample in which a quantity has the value: a server tells of some things late."""
    found: dict[str, float | None] = {}

    def there() -> bool:
        found.update(sample(observer))
        return found[name] == value

    # InnoDB renews its list of transactions only once it was left unread for 0.1 s.
    assert eventually(there, every_s=0.15), (name, found[name], value)
    return found
