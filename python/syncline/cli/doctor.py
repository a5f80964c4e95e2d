"""``syncline doctor``: what this machine has and lacks, and what to do about it."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from syncline.backends import fetch_mariadb
from syncline.cli.doctor_checks import CHECKS, Finding
from syncline.process import Workspace

EPILOG = """\b
Examples:
  syncline doctor
  syncline doctor --json
  syncline doctor --fetch mariadb
"""
_SIGNS = {"ok": "ok   ", "lack": "lack ", "fault": "FAULT"}
_COLOURS = {"ok": "green", "lack": "yellow", "fault": "red"}


@click.command(epilog=EPILOG)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option(
    "--fetch",
    type=click.Choice(["mariadb"]),
    help="First download this server from the system's packages (about 8 MB) into Syncline's own "
    "cache; nothing is installed, and no root is needed. Giving the option is the consent.",
)
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool, fetch: str | None) -> None:
    """Say what this machine has and lacks for load tests, and what to do.

    'lack' is something that only some commands need; 'FAULT' stops the main ones, and the exit
    code is then 2.
    """
    if fetch == "mariadb":
        with Workspace.open() as workspace:
            click.echo(f"MariaDB is in {fetch_mariadb(workspace)}", err=True)
    findings = [check() for check in CHECKS]
    fit = all(finding.state != "fault" for finding in findings)
    if as_json:
        data = {"schema": 1, "fit": fit, "checks": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(data, indent=2))
    else:
        for finding in findings:
            _show(finding)
    ctx.exit(0 if fit else 2)


def _show(finding: Finding) -> None:
    sign = click.style(_SIGNS[finding.state], fg=_COLOURS[finding.state])
    todo = f" {finding.todo}" if finding.todo else ""
    click.echo(f"{sign}  {finding.name:<12} {finding.found}{todo}")
