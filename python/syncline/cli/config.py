"""``syncline config``: the schema of ``syncline.toml``, and whether a file keeps to it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from syncline.cli.own import CONFIG, read_file
from syncline.config import json_schema, reference

EPILOG = """\b
Examples:
  syncline config schema
  syncline config keys
  syncline config check
"""


@click.command(epilog=EPILOG)
@click.argument("what", type=click.Choice(["schema", "keys", "check"]))
@click.argument("file", type=click.Path(path_type=Path), default=CONFIG)
def config(*, what: str, file: Path) -> None:
    """Tell of syncline.toml: its JSON 'schema' for editors, its 'keys', or 'check' FILE."""
    if what == "schema":
        click.echo(schema_text(), nl=False)
    elif what == "keys":
        click.echo(reference(), nl=False)
    else:
        read_file(file)
        click.echo(f"{file} keeps to the schema.")


def schema_text() -> str:
    """The JSON Schema as it is committed."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
