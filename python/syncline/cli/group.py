"""The commands of ``syncline``; each is imported when it is called."""

from __future__ import annotations

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
    "profile": ("syncline.cli.profile", "profile"),
    "capacity": ("syncline.cli.capacity", "capacity"),
    "config": ("syncline.cli.config", "config"),
    "explain": ("syncline.cli.explain", "explain"),
    "doctor": ("syncline.cli.doctor", "doctor"),
    "completion": ("syncline.cli.completion", "completion"),
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
