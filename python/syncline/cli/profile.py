"""``syncline profile CASE``: where CPU, memory and time go under a steady load."""

from __future__ import annotations

import sys
from dataclasses import replace

import click
from rich.console import Console

from syncline.cli import files
from syncline.cli.choices import (
    BACKEND_URL,
    complete_case,
    complete_variant,
    database_option,
    setting_option,
)
from syncline.cli.own import OwnAsked, own_options, resolve
from syncline.cli.parameters import DURATION, Parsed
from syncline.cli.profiles import KINDS, put_out_profiles
from syncline.cli.run import check_urls
from syncline.cli.seam import INTERRUPTED
from syncline.cli.shape import on_database, with_settings
from syncline.errors import UsageError
from syncline.experiment import run_experiment
from syncline.folded import ProfileKind
from syncline.notation import rate_rps
from syncline.plan import OpenLoop, constant_rate
from syncline.profile import Wanted, check_needs
from syncline.report.html import render_html
from syncline.report.live_run import RunDisplay
from syncline.report.profiles import build_profiles
from syncline.store import DEFAULT_STORE, Store
from syncline.trial import Case, Experiment, Load, Trial

RATE = Parsed("rate", rate_rps)
DEFAULT_KINDS: tuple[ProfileKind, ...] = ("cpu", "lock")
DEFAULT_OUT = "syncline-report"
_WARMUP_S = 1.0

EPILOG = """\b
Examples:
  syncline profile users --variant sync --vs async --rate 200
  syncline profile users --variant sync --kind lock --rate 2k -c 200
  syncline profile entities --variant non-blocking --vs blocking --kind cpu,alloc,lock --rate 5k
  syncline profile authors --variant async --kind cpu --native --rate 100 --html profile.html
  syncline profile shop.main:app --path '/books?limit=20' --rate 100
"""


@click.command(epilog=EPILOG)
@click.argument("case", metavar="[CASE]", required=False, shell_complete=complete_case)
@click.option(
    "--variant",
    metavar="NAME",
    shell_complete=complete_variant,
    help="The variant that is profiled; needed where there are several.",
)
@click.option(
    "--vs",
    metavar="NAME",
    shell_complete=complete_variant,
    help="Another one that it is compared with, at the same rate, request for request.",
)
@click.option(
    *("--kind", "kinds"),
    type=KINDS,
    metavar="LIST",
    help="What of: cpu, alloc (allocations), lock (where threads wait), await (where tasks wait). "
    "[default: cpu,lock]",
)
@click.option(
    "--rate",
    type=RATE,
    help="Requests per second, the same for all; one that each variant can hold. The case's own "
    "lightest rate where it has one.",
)
@click.option(
    *("-c", "--connections"),
    type=click.IntRange(1, 1_000_000),
    help="How many connections; the case's lightest load's otherwise, but 32 at least.",
)
@click.option(
    *("-d", "--duration"),
    type=DURATION,
    default="8s",
    show_default=True,
    help="How long each load lasts, its warm-up of 1 s included.",
)
@own_options
@click.option("--native", is_flag=True, help="CPU profiles with the frames of native code.")
@setting_option
@database_option
@click.option(
    *("--database-url", "backend_urls"),
    type=BACKEND_URL,
    metavar="URL",
    multiple=True,
    help="Use this server instead of a private one; the case's tables are dropped and filled.",
)
@click.option(
    "--out",
    metavar="DIR",
    default=DEFAULT_OUT,
    show_default=True,
    help="Where the folded stacks and the speedscope files go.",
)
@click.option(
    "--html", "html_file", metavar="FILE", help="Write the tables and flame graphs as a page."
)
@click.option(
    "--store", metavar="PATH", default=DEFAULT_STORE, show_default=True, help="Where runs are kept."
)
def profile(
    *,
    case: str | None,
    own: OwnAsked,
    variant: str | None,
    vs: str | None,
    kinds: tuple[ProfileKind, ...] | None,
    rate: float | None,
    connections: int | None,
    duration: float,
    native: bool,
    settings: tuple[tuple[str, str], ...],
    database: str | None,
    backend_urls: tuple[tuple[str, str], ...],
    out: str,
    html_file: str | None,
    store: str,
) -> None:
    """Profile a variant of CASE under a steady load, and compare it with another one.

    CASE may be your own service, as for 'syncline run'.

    Each kind of profile is taken in a trial of its own at the same rate; no figure of such a trial
    is reported as the service's. CPU and allocations need 'pip install syncline[profile]'.

    Exits with 0 if every profile was taken, with 3 if one was not.
    """
    wanted = kinds or DEFAULT_KINDS
    if native and "cpu" not in wanted:
        raise UsageError("--native is for CPU profiles; add cpu to --kind, or leave it out.")
    chosen = resolve(case, own)
    variant = variant or _only(chosen)
    names = tuple(dict.fromkeys(name for name in (vs, variant) if name is not None))
    if vs == variant:
        raise UsageError(f"--vs {vs} names the variant itself; name another one.")
    chosen = with_settings(chosen, names, settings)
    chosen = on_database(chosen, database, dict(backend_urls))
    load = steady_load(chosen, rate, connections, duration)
    abouts = [Wanted(kind, native and kind == "cpu").about for kind in wanted]
    experiment = profiling(chosen, names, load, abouts)
    urls = check_urls(chosen, backend_urls)
    check_needs(wanted)
    folder = files.make_directory(out, "--out")
    if html_file is not None:
        files.check_writable(html_file, "--html")
    with Store.open(store) as opened, RunDisplay(Console(stderr=True)) as display:
        record = run_experiment(
            chosen,
            experiment,
            store=opened,
            observer=display,
            backend_urls=urls,
            command_line=("syncline", *sys.argv[1:]),
        )
    put_out_profiles(record, folder)
    if html_file is not None:
        files.write_text(html_file, render_html(build_profiles(record, flames=True)))
        click.echo(f"Page: {html_file}")
    if record.status == "interrupted":
        sys.exit(INTERRUPTED)
    sys.exit(0 if all(outcome.profiles for _, outcome in record.of_phase("profile")) else 3)


def _only(case: Case) -> str:
    """The name of the case's variant, if it has no other.

    Raises:
        UsageError: it has several, and none was named.
    """
    names = [one.name for one in case.variants]
    if len(names) > 1:
        raise UsageError(
            f"Which variant? Name one of {case.name} by --variant: {', '.join(names)}."
        )
    return names[0]


def steady_load(case: Case, rate: float | None, connections: int | None, duration_s: float) -> Load:
    """The case's lightest load as an open loop at one rate.

    Raises:
        UsageError: no rate is given and the case has none, or the load is too short.
    """
    first = case.loads[0]
    if rate is None and not isinstance(first.schedule, OpenLoop):
        raise UsageError(
            f"{case.name} has no rate of its own, and profiles are compared at an equal rate: give "
            "--rate, about half of what 'syncline run' shows the slowest variant to bear."
        )
    if rate is not None and rate <= 0:
        raise UsageError("--rate must be above 0.")
    if duration_s < _WARMUP_S + 2:
        raise UsageError(f"--duration {duration_s:g}s is too short for a profile; give 3s or more.")
    return replace(
        first,
        connections=connections or max(32, first.connections),
        schedule=first.schedule if rate is None else constant_rate(rate),
        duration_s=duration_s,
        warmup_s=_WARMUP_S,
    )


def profiling(case: Case, names: tuple[str, ...], load: Load, abouts: list[str]) -> Experiment:
    """A trial of each variant for each profile, variants in turn."""
    trials = tuple(
        Trial(case.name, case.variant(name), load, phase="profile", about=about)
        for about in abouts
        for name in names
    )
    return Experiment(case.name, f"profile {', '.join(names)}: {', '.join(abouts)}", trials)
