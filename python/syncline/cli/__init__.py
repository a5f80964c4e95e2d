"""The command line: options become values, and values one call."""

from __future__ import annotations

import sys

from syncline.cli import seam
from syncline.cli.group import cli

__all__ = ["cli", "main"]


def main() -> None:
    """The ``syncline`` program."""
    sys.exit(seam.run(cli, sys.argv[1:]))
