"""The commands of ``syncline``; each is imported when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

from syncline import __version__

# Name: module, attribute. Help shows them in this order.
COMMANDS = {
    "run": ("syncline.cli.run", "run"),
    "init": ("syncline.cli.init", "init"),
    "runs": ("syncline.cli.runs", "runs"),
    "show": ("syncline.cli.runs", "show"),
    "report": ("syncline.cli.report", "report"),
    "ui": ("syncline.cli.ui", "ui"),
    "resume": ("syncline.cli.resume", "resume"),
    "export": ("syncline.cli.exchange", "export"),
    "import": ("syncline.cli.exchange", "import_"),
    "compare": ("syncline.cli.compare", "compare"),
    "check": ("syncline.cli.check", "check"),
    "baseline": ("syncline.cli.check", "baseline"),
    "rm": ("syncline.cli.runs", "rm"),
    "cases": ("syncline.cli.cases", "cases"),
    "serve": ("syncline.cli.serve", "serve"),
    "load": ("syncline.cli.load", "load"),
    "requests": ("syncline.cli.requests", "requests"),
    "profile": ("syncline.cli.profile", "profile"),
    "capacity": ("syncline.cli.capacity", "capacity"),
    "tune": ("syncline.cli.tune", "tune"),
    "config": ("syncline.cli.config", "config"),
    "explain": ("syncline.cli.explain", "explain"),
    "doctor": ("syncline.cli.doctor", "doctor"),
    "completion": ("syncline.cli.completion", "completion"),
}


# What the help shows: sections, and a line for each command, without importing any of them.
SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Measure": {
        "run": "Load-test a case or your own service: why it bends, what helps.",
        "load": "Load one URL: throughput, latency, errors.",
        "capacity": "Find the highest rate that meets an objective.",
        "tune": "Find the setting that serves best.",
        "profile": "See where CPU, allocations and waiting go.",
        "resume": "Run what is missing of a run.",
    },
    "Your own service": {
        "init": "Write a syncline.toml for the project in this folder.",
        "config": "Check syncline.toml; list its keys; its JSON Schema.",
        "requests": "Make requests of HAR files, curl commands, access logs.",
    },
    "Runs that are kept": {
        "runs": "List them, the newest first.",
        "show": "Show one on the terminal.",
        "report": "Make its report: HTML, Markdown, JSON.",
        "ui": "Look at them in the browser.",
        "compare": "Compare two.",
        "check": "Hold one against objectives, for a gate in CI.",
        "baseline": "Write its figures as a small file to commit.",
        "export": "Write one for another program or store.",
        "import": "Take one in from a file.",
        "rm": "Remove some for good.",
    },
    "Learn": {
        "cases": "List the cases that ship with Syncline.",
        "serve": "Only start a variant of a case, with its database.",
        "explain": "Explain a finding.",
        "doctor": "Say what this machine has and lacks.",
        "completion": "Print the script that completes commands in your shell.",
    },
}


class LazyGroup(click.Group):
    """A group that imports a command only when it is needed: ``--version`` stays instant."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{attribute} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands in their sections, a line each."""
        shown: set[str] = set()
        for title, commands in SECTIONS.items():
            rows = [(name, text) for name, text in commands.items() if name in COMMANDS]
            shown.update(name for name, _ in rows)
            with formatter.section(title):
                formatter.write_dl(rows)
        others = [name for name in self.list_commands(ctx) if name not in shown]
        if others:
            with formatter.section("More"):
                formatter.write_dl([(name, "") for name in others])


EPILOG = """\b
Examples:
  syncline cases
  syncline run users --quick
  syncline load http://127.0.0.1:8000/ -c 48 -d 10s
"""


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="syncline", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show a traceback with an error.")
def cli() -> None:
    """Why does my Python service bend under load, and what change makes it stand?

    Exit codes: 0 good; 1 the service failed; 2 the command was wrong; 3 the measurement is not
    valid; 130 interrupted, with what was finished kept.
    """
