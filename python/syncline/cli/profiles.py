"""Profiles put out: tables on the terminal, files for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click
from rich.console import Console

from syncline.cli import files
from syncline.cli.parameters import Parsed, some_of
from syncline.flame import folded_text
from syncline.folded import ProfileKind
from syncline.record import RunRecord
from syncline.report.profiles import build_profiles, file_stem, speedscope_text
from syncline.report.terminal import render_terminal

KINDS = Parsed("list", some_of(*get_args(ProfileKind)))


def put_out_profiles(record: RunRecord, folder: Path, *, alone: bool = True) -> None:
    """Shows a run's profiles and writes their files.

    Args:
        alone: whether standard output is free for it; standard error otherwise.

    Raises:
        EnvironmentLackError: a file could not be written.
    """
    render_terminal(build_profiles(record), Console(stderr=not alone))
    for path in write_profiles(record, folder):
        click.echo(f"{path}", err=not alone)


def write_profiles(record: RunRecord, folder: Path) -> tuple[Path, ...]:
    """Writes each profile as folded text and for speedscope; the files.

    Raises:
        EnvironmentLackError: one could not be written.
    """
    written = []
    for trial, outcome in record.of_phase("profile"):
        for one in outcome.profiles:
            stem = file_stem(trial, one)
            for name, content in (
                (f"{stem}.folded", folded_text(one.folded)),
                (f"{stem}.speedscope.json", speedscope_text(one, stem)),
            ):
                files.write_text(folder / name, content)
                written.append(folder / name)
    return tuple(written)
