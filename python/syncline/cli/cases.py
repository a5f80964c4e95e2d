"""``syncline cases``: what ships, one line each."""

from __future__ import annotations

import json

import click

import syncline_cases

EPILOG = """\b
Examples:
  syncline cases
  syncline cases --json
"""


@click.command(epilog=EPILOG)
@click.option(
    "--json", "as_json", is_flag=True, help="As JSON, with the variants, loads and settings."
)
def cases(*, as_json: bool) -> None:
    """List the cases that ship with Syncline, one line each."""
    shipped = [syncline_cases.load_case(name) for name in syncline_cases.names()]
    if as_json:
        data = [
            {
                "name": case.name,
                "title": case.title,
                "question": case.question,
                "variants": {variant.name: variant.title for variant in case.variants},
                "default_variants": list(case.default_variants),
                "connections": [load.connections for load in case.loads],
                "backends": list(case.backends),
                "databases": list(case.databases),
                "settings": dict(case.settings),
            }
            for case in shipped
        ]
        click.echo(json.dumps({"cases": data}, indent=2))
        return
    width = max(len(case.name) for case in shipped)
    for case in shipped:
        variants = ", ".join(variant.name for variant in case.variants)
        click.echo(f"{case.name:{width}}  {case.title} [{variants}]")
