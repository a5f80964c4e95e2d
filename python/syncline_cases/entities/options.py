"""How the server is told what to be."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from syncline_cases.entities.store import STORES, StoreName

Durability = Literal["process", "group-commit", "sync-every"]


@dataclass(frozen=True, slots=True)
class Options:
    """The command line as a value.

    Attributes:
        durability: what acknowledged changes survive: ``process``, the death of the process;
            ``sync-every`` and ``group-commit``, the loss of power too, by a sync for each
            change, or by one for all that came while the last was under way.
        threads: that do the store's work; 0 does it where the request was read.
        queue: how many requests may wait for these threads.
    """

    data: Path
    host: str
    port: int
    store: StoreName
    durability: Durability
    threads: int
    queue: int


def parse(argv: Sequence[str] | None, data: Path | None = None) -> Options:
    """The options; ends the program with a sentence if they are wrong.

    Args:
        data: where the data are if the command line does not say.
    """
    parser = argparse.ArgumentParser(
        prog="python -m syncline_cases.entities", description="Serve a key-value store."
    )
    parser.add_argument("port", type=_number(0, 65535), metavar="PORT", help="0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--data", type=Path, default=data, required=data is None, metavar="FOLDER")
    parser.add_argument("--store", choices=STORES, default=STORES[0])
    parser.add_argument(
        "--durability", choices=("process", "group-commit", "sync-every"), default="process"
    )
    parser.add_argument(
        "--threads",
        type=_number(0, 64),
        default=0,
        help="do the store's work in so many threads (0: where the request was read)",
    )
    parser.add_argument("--queue", type=_number(1, 1_000_000), default=1024)
    options = Options(**vars(parser.parse_args(argv)))
    if options.durability == "group-commit" and options.threads != 1:
        parser.error("group-commit needs --threads 1: one thread gathers what it commits")
    return options


class _number:
    """A whole number within bounds, for argparse."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def __call__(self, text: str) -> int:
        number = int(text)
        if not self._least <= number <= self._most:
            raise argparse.ArgumentTypeError(f"{number} is not {self._least} to {self._most}")
        return number

    def __repr__(self) -> str:
        return "whole number"
