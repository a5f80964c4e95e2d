"""What-ifs on the command line: ``--what-if pool_size=50``."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Sequence
from dataclasses import replace

import click
from click.shell_completion import CompletionItem

from syncline import whatif
from syncline.cli.parameters import Parsed
from syncline.errors import EnvironmentLackError, UsageError
from syncline.judge import faulty_variants
from syncline.trial import Case, Variant
from syncline.whatif import CATALOGUE, Settings

EPILOG = "\b\nWhat-ifs, each with what it may be set to:\n" + "\n".join(
    f"  {one.name:<16} {one.values}" for one in CATALOGUE.values()
)


def complete_what_if(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The names that begin like the last of the settings typed."""
    before, comma, last = incomplete.rpartition(",")
    return [
        CompletionItem(f"{before}{comma}{one.name}=", help=one.meaning)
        for one in CATALOGUE.values()
        if one.name.startswith(last)
    ]


what_if_option = click.option(
    *("--what-if", "what_ifs"),
    type=Parsed("settings", whatif.parse),
    metavar="NAME=VALUE",
    multiple=True,
    shell_complete=complete_what_if,
    help="Impose a setting on the service as it is, such as pool_size=50, or several at once: "
    "pool_size=50,tokens=100. Each --what-if makes one more variant, beside the original.",
)


def with_what_ifs(
    case: Case,
    names: Sequence[str],
    asked: Sequence[Settings],
    *,
    probe: bool = True,
    own_servers: Collection[str] = (),
) -> tuple[Case, tuple[str, ...]]:
    """The case with one more variant for each of these and each what-if, and all their names.

    What is known of a variant's failing is taken over: no what-if promises to mend it.

    Args:
        probe: whether services are started with the probe inside.
        own_servers: back ends of which the user's own server is used.

    Raises:
        UsageError: a what-if cannot be imposed; the message says why.
        EnvironmentLackError: a server or a loop is not installed.
    """
    chosen: list[str] = []
    made: list[Variant] = []
    faulty = []
    for variant in map(case.variant, names):
        chosen.append(variant.name)
        for settings in asked:
            new = whatif.imposed(variant, settings)
            _check(case, new, probe=probe, own_servers=own_servers)
            if new.name in chosen:
                continue
            chosen.append(new.name)
            made.append(new)
            if variant.name in faulty_variants(case):
                faulty.append(new.name)
    changed = replace(case, variants=(*case.variants, *made), faulty=(*case.faulty, *faulty))
    return (changed if made else case), tuple(chosen)


def _check(case: Case, variant: Variant, *, probe: bool, own_servers: Collection[str]) -> None:
    inside = whatif.asked_of(variant, "probe")
    if inside and not probe:
        raise UsageError(
            f"The what-if {whatif.label_of(inside)} is imposed by the probe; leave out --no-probe."
        )
    databases = [name for name in case.backends if name in whatif.DATABASES]
    for name in whatif.asked_of(variant, "back end"):
        if not databases:
            raise UsageError(f"The what-if {name} cannot be imposed: {case.name} has no database.")
        if taken := [one for one in databases if one in own_servers]:
            raise UsageError(
                f"The what-if {name} cannot be imposed on your own {taken[0]}; set it there, or "
                "leave out --database-url."
            )
    if variant.python:
        return  # what is installed there shows as it starts
    for module in (variant.what_ifs.get("server"), variant.what_ifs.get("loop")):
        if module not in (None, "auto") and importlib.util.find_spec(str(module)) is None:
            raise EnvironmentLackError(
                f"{module} is not installed; install it: pip install {module}."
            )
