"""``syncline requests FILE``: recorded requests as the list that ``load --requests-file`` takes."""

from __future__ import annotations

import json

import click

from syncline.cli import files
from syncline.cli.recorded import read_recorded
from syncline.codec import to_json
from syncline.errors import UsageError
from syncline.imports import mix, writing

EPILOG = """\b
Examples:
  syncline requests session.har --out requests.json
  syncline requests - --format curl < commands.sh
  syncline requests access.log --reads-only --out requests.json
"""


@click.command(epilog=EPILOG)
@click.argument("file")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["auto", "har", "curl", "log"]),
    default="auto",
    show_default=True,
    help="What FILE is: a HAR file, curl commands, an access log (combined, JSON lines).",
)
@click.option(
    "--out", metavar="OUT", default="-", show_default=True, help="Where to; - is standard output."
)
@click.option("--reads-only", is_flag=True, help="Leave out all but GET, HEAD and OPTIONS.")
@click.option(
    "--keep-credentials",
    is_flag=True,
    help="Keep Authorization, Cookie and the like; they are left out by default.",
)
def requests(file: str, kind: str, out: str, reads_only: bool, keep_credentials: bool) -> None:
    """Make recorded requests into a list to look at, edit and send.

    Equal requests become one, with their number as its weight. FILE - is standard input. The list
    is for 'syncline load URL --requests-file OUT'; 'syncline load' can also send FILE at once, with
    --from-har, --from-curl or --replay.
    """
    found = read_recorded(file, kind, keep_credentials=keep_credentials)
    for note in found.notes:
        click.echo(note, err=True)
    changing = writing(found.requests)
    kept = tuple(one for one in found.requests if not reads_only or one not in set(changing))
    kinds = mix(kept, most=len(kept))
    if not kinds:
        raise UsageError("No request is left.")
    files.write_text(out, json.dumps([to_json(one) for one in kinds], indent=2) + "\n")
    if changing and not reads_only:
        click.echo(f"{len(changing)} of them may change the service's data.", err=True)
    click.echo(f"{len(kept)} requests, {len(kinds)} different.", err=True)
