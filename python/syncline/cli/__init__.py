"""The command line: options become values, and values one call."""

from __future__ import annotations

import sys

from syncline.cli.group import cli
from syncline.cli.seam import run

__all__ = ["cli", "main"]


def main() -> None:
    """The ``syncline`` program."""
    sys.exit(run(cli, sys.argv[1:]))
