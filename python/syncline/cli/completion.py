"""``syncline completion SHELL``: the script that makes a shell complete."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

EPILOG = """\b
Examples:
  bash:  echo 'eval "$(syncline completion bash)"' >> ~/.bashrc
  zsh:   echo 'eval "$(syncline completion zsh)"' >> ~/.zshrc
  fish:  syncline completion fish > ~/.config/fish/completions/syncline.fish
"""


@click.command(epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands, options, cases and variants in SHELL."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"{shell} is not supported by this version of click.")
    root = ctx.find_root().command
    # The template alone: source() would start bash to look at its version.
    script = kind(root, {}, "syncline", "_SYNCLINE_COMPLETE")
    click.echo(script.source_template % script.source_vars())
