"""Who may use a Ray cluster: whoever has its token, and without tokens everyone who reaches it."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from syncline.errors import EnvironmentLackError, UsageError

LEAST_RAY = (2, 54)
_TOKENS = "https://docs.ray.io/en/latest/ray-security/token-auth.html"


def token_required() -> bool:
    """Whether this process's Ray asks for a token. False where that cannot be told."""
    try:
        from ray._private.authentication.authentication_utils import is_token_auth_enabled
    except ImportError:
        return False
    return bool(is_token_auth_enabled())


def own_token() -> dict[str, str]:
    """The environment of a private cluster: a token that only this process knows.

    The same for all of its private clusters: Ray reads a token once a process, and a later
    cluster with another one would not start.
    """
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": _private_token(), **_QUIET}


@functools.cache
def _private_token() -> str:
    return secrets.token_hex(32)


def users_token() -> dict[str, str]:
    """The environment for a cluster of the user's.

    Raises:
        UsageError: the user has no token, or turned tokens off.
    """
    mode = os.environ.get("RAY_AUTH_MODE", "token").lower()
    if mode != "token":
        raise UsageError(
            f"RAY_AUTH_MODE is {mode!r}, so that everyone who reaches the cluster can run programs "
            "on it. Set it to token on all nodes and here, or add --insecure-cluster."
        )
    if not (os.environ.get("RAY_AUTH_TOKEN") or _token_file().is_file()):
        raise UsageError(
            "The cluster's token is not known here: set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH "
            f"({_TOKENS}). A cluster without tokens is used only with --insecure-cluster."
        )
    return {"RAY_AUTH_MODE": "token", **_QUIET}


def no_token() -> dict[str, str]:
    """The environment for a cluster that may be without tokens."""
    return dict(_QUIET)


@contextlib.contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Sets variables and puts back what there was."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def check_ray() -> None:
    """Passes if Ray is installed and new enough to know tokens.

    Raises:
        EnvironmentLackError: it is not.
    """
    try:
        import ray
    except ImportError:
        raise EnvironmentLackError(
            "Ray is not installed: pip install 'syncline[ray]', here and on every node."
        ) from None
    found = tuple(int(part) for part in ray.__version__.split(".")[:2])
    if found < LEAST_RAY:
        raise EnvironmentLackError(
            f"Ray {ray.__version__} is too old; {LEAST_RAY[0]}.{LEAST_RAY[1]} is the first whose "
            "tokens Syncline relies on: pip install --upgrade 'syncline[ray]'."
        )


def _token_file() -> Path:
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    return Path(named) if named else Path.home() / ".ray" / "auth_token"


# No statistics leave the machine, and Ray's advice to its own users does not reach ours.
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
