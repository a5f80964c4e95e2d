"""What a child is to be, and the same in the words of its guard."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from syncline.errors import EnvironmentLackError
from syncline.process.account import Account
from syncline.process.workspace import Workspace

NONCE = "SYNCLINE_CHILD"


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What is to run, as what, and how it is ended.

    Attributes:
        argv: the program, looked up on the PATH of ``env``, and its arguments; never a shell.
        workspace: the run's directory; the child's log is in it.
        name: what messages and file names call it.
        env: the whole environment; a random ``SYNCLINE_CHILD`` is added to it.
        cwd: the working directory; Syncline's own if None.
        account: the user to become, if Syncline is root; None stays the same user.
        cpus: the only processors it may use; empty means all.
        umask: of the files it makes.
        stop_signal: what asks it to end.
        stop_grace_s: how long it may then take before its tree is killed.
        orphan_grace_s: the same if Syncline itself has ended.
        cleanup: directories that are removed once its tree has ended.
        log_head_bytes, log_tail_bytes: how much of the beginning and of the end of its
            output is kept.
    """

    argv: tuple[str, ...]
    workspace: Workspace
    name: str = "child"
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path | None = None
    account: Account | None = None
    cpus: tuple[int, ...] = ()
    umask: int = 0o022
    stop_signal: signal.Signals = signal.SIGTERM
    stop_grace_s: float = 3.0
    orphan_grace_s: float = 1.0
    cleanup: tuple[Path, ...] = ()
    log_head_bytes: int = 256 * 1024
    log_tail_bytes: int = 1024 * 1024


def order(spec: ChildSpec, log_path: Path, nonce: str) -> dict[str, object]:
    """The specification as the guard's JSON wants it."""
    env = {**spec.env, NONCE: nonce}
    return {
        "argv": [_decoded(item) for item in spec.argv],
        "env": {_decoded(name): _decoded(value) for name, value in env.items()},
        "cwd": _decoded(os.fspath(spec.cwd or Path.cwd())),
        "uid": spec.account.uid if spec.account else None,
        "gid": spec.account.gid if spec.account else None,
        "cpus": list(spec.cpus),
        "umask": spec.umask,
        "stop_signal": int(spec.stop_signal),
        "orphan_grace_s": spec.orphan_grace_s,
        "cleanup": [os.fspath(path) for path in spec.cleanup],
        "log": os.fspath(log_path),
        "log_head_bytes": spec.log_head_bytes,
        "log_tail_bytes": spec.log_tail_bytes,
        "workspace": os.fspath(spec.workspace.path),
        "lock": spec.workspace.lock,
        "parent": os.getpid(),
    }


def _decoded(text: str) -> str:
    """The text such that the guard, in whatever locale, finds the same bytes."""
    if "\0" in text:
        raise EnvironmentLackError(f"{text[:40]!r} holds a NUL, which no process can be given.")
    return os.fsencode(text).decode("utf-8", "surrogateescape")
