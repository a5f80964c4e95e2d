"""A file as a commit of the user's repository has it."""

from __future__ import annotations

import shutil
import subprocess

_TIMEOUT_S = 10


def committed_text(ref: str, path: str) -> str | None:
    """The file's text at a branch, tag or commit; None if there is no such thing.

    Args:
        path: from the working directory.
    """
    git = shutil.which("git")
    if git is None or not ref or ref.startswith("-"):
        return None
    where = path if path.startswith(("/", "./", "../")) else f"./{path}"
    try:
        done = subprocess.run(
            (git, "show", "--no-textconv", f"{ref}:{where}"),
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
