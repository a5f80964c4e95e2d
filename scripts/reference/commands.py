"""The page of commands, from click's own objects."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from scripts.reference.markdown import GENERATED, prose, table
from syncline.cli import cli
from syncline.cli.group import COMMANDS

HEAD = """# Commands

`syncline COMMAND --help` says the same in the terminal. `syncline --debug COMMAND` shows a
traceback with an error. What a command returns is in [exit codes](exit-codes.md).

"""


def commands_page() -> str:
    """Every command with its arguments, options and examples."""
    context = click.Context(cli, info_name="syncline")
    sections = (_command(name, context) for name in COMMANDS)
    index = " · ".join(f"[{name}](#syncline-{name})" for name in COMMANDS)
    return GENERATED + HEAD + index + "\n" + "".join(sections)


def _command(name: str, parent: click.Context) -> str:
    command = cli.get_command(parent, name)
    if command is None:
        raise LookupError(f"there is no command {name}")
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join(["syncline", name, *command.collect_usage_pieces(context)])
    parts = [
        f"\n## syncline {name}\n",
        f"```text\n{usage}\n```\n",
        _paragraphs(command.help or ""),
    ]
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    if options:
        parts.append(table(("option", "does"), (_option(one, context) for one in options)))
    parts.extend(_epilog(command.epilog or ""))
    return "\n".join(parts)


def _paragraphs(text: str) -> str:
    paragraphs = (" ".join(part.split()) for part in text.replace("\b", "").split("\n\n"))
    return "\n\n".join(prose(part) for part in paragraphs if part) + "\n"


def _option(option: click.Option, context: click.Context) -> tuple[str, str]:
    record = option.get_help_record(context)
    if record is None:
        raise LookupError(f"{option.name} tells no help")
    names, about = record
    return f"`{names}`", prose(" ".join(about.split()))


def _epilog(text: str) -> Iterator[str]:
    """Each block of it, such as ``Examples:``, as a heading and what is typed."""
    for block in text.split("\b\n"):
        title, _, body = block.strip().partition("\n")
        if body:
            yield f"**{prose(title)}**\n"
            kind = "sh" if title == "Examples:" else "text"
            yield f"```{kind}\n" + re.sub(r"^  ", "", body.rstrip(), flags=re.MULTILINE) + "\n```\n"
