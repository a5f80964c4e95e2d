"""Namespaces of the kernel, in which a test may change what otherwise all would see."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess

import pytest


def namespace(*kinds: str) -> tuple[str, ...]:
    """A command that runs another one in new namespaces, such as ``--net`` or ``--mount``.

    Skips the test where the kernel does not give them, and fails it there if CI is set.
    """
    prefix = _namespace(kinds)
    if prefix is None:
        lacking = f"this kernel or user may not make namespaces ({' '.join(kinds)})"
        if os.environ.get("CI"):
            pytest.fail(lacking)
        pytest.skip(lacking)
    return prefix


@functools.cache
def _namespace(kinds: tuple[str, ...]) -> tuple[str, ...] | None:
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    for more in ((), ("--map-root-user",)):
        prefix = (unshare, *more, *kinds, "--")
        tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
        if tried.returncode == 0:
            return prefix
    return None
