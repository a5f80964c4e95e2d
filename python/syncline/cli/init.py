"""``syncline init``: a first ``syncline.toml`` for the project in this folder."""

from __future__ import annotations

from pathlib import Path

import click

from syncline.cli.files import write_text
from syncline.cli.init_file import config_text, needs_of
from syncline.cli.own import CONFIG
from syncline.cli.project import look
from syncline.errors import UsageError

EPILOG = """\b
Examples:
  syncline init
  syncline init --dry-run
  syncline init && syncline run
"""


@click.command(epilog=EPILOG)
@click.option("--dry-run", is_flag=True, help="Show the file instead of writing it.")
@click.option("--force", is_flag=True, help="Write over a syncline.toml that is there.")
def init(*, dry_run: bool, force: bool) -> None:
    """Look at the project in this folder and write a syncline.toml for 'syncline run'.

    The source is read and nothing of it is run: the framework and its application, the
    settings that name a database, what makes and fills its tables, the dependencies.
    """
    path = Path(CONFIG)
    if path.exists() and not (force or dry_run):
        raise UsageError(f"{CONFIG} is there already; --force writes over it.")
    project = look(Path())
    if not project.apps:
        raise UsageError(
            "No application is made in this folder's modules (app = FastAPI(), Flask(__name__) "
            "and the like). Go to the folder that the service is started in, or name it: "
            "syncline run module:attribute."
        )
    text = config_text(project)
    if dry_run:
        click.echo(text, nl=False)
        return
    write_text(str(path), text)
    app = project.apps[0]
    servers = ", ".join(needs_of(project)) or "no server that Syncline knows"
    click.echo(f"Wrote {CONFIG}: {app.framework}, {app.name}, which needs {servers}.")
    click.echo("Look it over, then: syncline run")
