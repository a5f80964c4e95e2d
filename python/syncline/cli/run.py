"""``syncline run CASE``: every variant under every load, compared."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console

from syncline.archive import archive_json
from syncline.cli import files
from syncline.cli.choices import (
    BACKEND_URL,
    LEVELS,
    LOOPS,
    SERVERS,
    complete_case,
    complete_variant,
    database_option,
    setting_option,
)
from syncline.cli.design import (
    Design,
    design_options,
    dry_run_lines,
    lay_out,
    precision_words,
)
from syncline.cli.event_file import also_to
from syncline.cli.on import Where, on_options, sender
from syncline.cli.own import OwnAsked, own_options, resolve
from syncline.cli.parameters import DURATION, WORKERS
from syncline.cli.profiles import KINDS, put_out_profiles
from syncline.cli.shape import Serving, on_database, served_by, with_settings
from syncline.cli.what_ifs import EPILOG as WHAT_IFS
from syncline.cli.what_ifs import what_if_option, with_what_ifs
from syncline.errors import UsageError
from syncline.events import Note
from syncline.experiment import run_search
from syncline.experiment.tools import real_tools
from syncline.flame import profiled
from syncline.folded import ProfileKind
from syncline.judge import exit_code
from syncline.mask import mask
from syncline.profile import check_needs
from syncline.record import RunRecord, Settings
from syncline.report.comparison import build_comparison
from syncline.report.html import render_html
from syncline.report.live_run import RunDisplay
from syncline.report.markdown import render_markdown
from syncline.report.openmetrics import openmetrics
from syncline.report.run_report import build_report
from syncline.report.series_csv import series_csv
from syncline.report.terminal import render_terminal
from syncline.store import DEFAULT_STORE, Store
from syncline.trial import Case, Experiment, Load, Loop, Server, sweep, with_duration
from syncline.verify import DEFAULT, QUICK, proven

DEFAULT_OUT = "syncline-report"
SERIES_WRITERS = {".csv": series_csv, ".om": openmetrics}

EPILOG = """\b
Examples:
  syncline run users
  syncline run shop.main:app
  syncline run app.py:app --path '/books?limit=200' --connections 1,12,48
  syncline run --command 'gunicorn -w 4 shop.wsgi' --url http://127.0.0.1:8000 --path /books
  syncline run --url http://127.0.0.1:8000 --path /books
  syncline run users --quick --json out.json
  syncline run users --quick --repeat 5
  syncline run users --budget 5m --include 'sync*' --include async
  syncline run users --connections 12 --precision 3% --budget 10m
  syncline run users --watch --series seen.csv
  syncline run users --variant sync --connections 12,48,200 --duration 10s
  syncline run users --variant async --server uvicorn,granian --workers 1,2 --set rows=200
  syncline run users --what-if admission=54 --what-if pool_size=50,max_overflow=0
  syncline run authors --database postgres
  syncline run users --database-url postgresql://me:secret@db.example/test
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which of a case's trials to run.

    Attributes:
        variants: by name; empty means the case's default ones.
        connections: the levels; None means those of the case.
        duration_s: of each load, warm-up included; None means the case's own.
        which: the case's loads to start from.
    """

    variants: tuple[str, ...] = ()
    connections: tuple[int, ...] | None = None
    duration_s: float | None = None
    which: str = "default"


@dataclass(frozen=True, slots=True)
class Output:
    """Where the results go, standard output and the terminal beside it."""

    json: str | None
    out: Path
    series: str | None = None
    html: str | None = None


def _option_set(function: click.decorators.FC) -> click.decorators.FC:
    for option in reversed(
        (
            click.option(
                *("--variant", "variants"),
                metavar="NAME",
                multiple=True,
                shell_complete=complete_variant,
                help="Run this variant; may be repeated. The case's default ones otherwise.",
            ),
            click.option(
                *("-c", "--connections"),
                type=LEVELS,
                metavar="LIST",
                help="Levels, such as 1,12,48. The case's own otherwise.",
            ),
            click.option(
                *("-d", "--duration"),
                type=DURATION,
                help="How long each load lasts, warm-up included: 5, 5s, 1m30s.",
            ),
            setting_option,
            what_if_option,
            click.option(
                *("--server", "servers"),
                type=SERVERS,
                metavar="LIST",
                help="Run each variant on each of these: uvicorn, granian, hypercorn, gunicorn, "
                "waitress.",
            ),
            click.option(
                "--workers",
                type=WORKERS,
                metavar="LIST",
                help="Run each variant with so many worker processes, such as 1,2,4.",
            ),
            click.option(
                *("--loop", "loops"),
                type=LOOPS,
                metavar="LIST",
                help="Run each variant on each of these event loops: asyncio, uvloop, auto.",
            ),
            database_option,
            click.option(
                "--quick",
                is_flag=True,
                help="Short loads, and of many variants the chief ones: a minute at most.",
            ),
            click.option(
                "--as-published", is_flag=True, help="The original's loads, at their full length."
            ),
            click.option(
                "--no-verify",
                is_flag=True,
                help="Do not try the fixes of what is found: saves about 40 s, or 15 s of --quick.",
            ),
            click.option(
                *("--json", "json_file"),
                metavar="FILE",
                help="Write the run as JSON; - is standard output.",
            ),
            click.option(
                *("--html", "html_file"),
                metavar="FILE",
                help="Write the page there instead of in the directory of --out.",
            ),
            click.option(
                *("--series", "series_file"),
                metavar="FILE",
                help="Write what was observed over time: FILE.csv, or FILE.om for OpenMetrics.",
            ),
            click.option(
                "--watch", is_flag=True, help="Show small moving plots while the load runs."
            ),
            click.option(
                *("--profile", "profiles"),
                type=KINDS,
                metavar="LIST",
                help="Profile each variant after all is measured: cpu, alloc, lock, await. In "
                "trials of their own, at half the rate that the slowest variant bears.",
            ),
            click.option(
                "--no-probe",
                is_flag=True,
                help="Start services without the probe: nothing from inside them is seen.",
            ),
            click.option(
                "--out",
                metavar="DIR",
                default=DEFAULT_OUT,
                show_default=True,
                help="Where the reports go: a page and Markdown.",
            ),
            click.option(
                *("--database-url", "backend_urls"),
                type=BACKEND_URL,
                metavar="URL",
                multiple=True,
                help="Use this server instead of a private one; the case's tables are dropped "
                "and filled in it.",
            ),
            click.option(
                "--store",
                metavar="PATH",
                default=DEFAULT_STORE,
                envvar="SYNCLINE_STORE",
                show_default=True,
                show_envvar=True,
                help="Where runs are kept.",
            ),
            # For 'syncline ui'; as a variable it is not in the command that runs this again.
            click.option(
                *("--events", "event_file"),
                type=click.Path(path_type=Path),
                envvar="SYNCLINE_EVENTS",
                hidden=True,
            ),
        )
    ):
        function = option(function)
    return function


@click.command(epilog=f"{EPILOG}\n{WHAT_IFS}")
@click.argument("case", metavar="[CASE]", required=False, shell_complete=complete_case)
@_option_set
@on_options
@own_options
@design_options
def run(
    *,
    case: str | None,
    where: Where,
    own: OwnAsked,
    variants: tuple[str, ...],
    connections: tuple[int, ...] | None,
    duration: float | None,
    settings: tuple[tuple[str, str], ...],
    what_ifs: tuple[Mapping[str, str], ...],
    servers: tuple[Server, ...] | None,
    workers: tuple[int, ...] | None,
    loops: tuple[Loop, ...] | None,
    database: str | None,
    quick: bool,
    as_published: bool,
    no_verify: bool,
    json_file: str | None,
    html_file: str | None,
    series_file: str | None,
    watch: bool,
    profiles: tuple[ProfileKind, ...] | None,
    no_probe: bool,
    out: str,
    backend_urls: tuple[tuple[str, str], ...],
    store: str,
    event_file: Path | None,
    design: Design,
) -> None:
    """Load-test the variants of CASE ('syncline cases' lists them) and compare them.

    CASE may be your own service, as module:attribute or file.py:attribute, ASGI or WSGI; the
    attribute may be a function that makes the application. Without CASE it is the service that
    --url, --command or ./syncline.toml ('syncline init') describe.

    Starts what the case needs, drives each variant at each level, and keeps every finished trial
    at once. Ctrl-C keeps what was finished.

    Exits with 0 if everything was measured, also if a variant that is known to fail did so; 1 if
    another one hung, died or answered mostly with errors; 3 if a measurement is not valid.
    """
    if quick and as_published:
        raise UsageError("--quick and --as-published exclude each other; give one.")
    which = "quick" if quick else "published" if as_published else "default"
    chosen = resolve(case, own)
    usual = (quick and chosen.quick_variants) or chosen.default_variants
    names = tuple(dict.fromkeys(variants)) or usual
    chosen = with_settings(chosen, names, settings)
    chosen = on_database(chosen, database, dict(backend_urls))
    serving = Serving(servers or (), workers or (), loops or ())
    chosen, names = served_by(chosen, names, serving)
    own_servers = dict(backend_urls)
    chosen, names = with_what_ifs(
        chosen, names, what_ifs, probe=not no_probe, own_servers=own_servers
    )
    experiment = build_experiment(chosen, Asked(names, connections, duration, which))
    urls = check_urls(chosen, backend_urls)
    check_needs(profiles or ())
    backends = len(set(chosen.backends) - set(urls))
    layout = lay_out(experiment, design, backends=backends, durations=duration is not None)
    if design.dry_run:
        click.echo("\n".join(dry_run_lines(layout, backends)))
        return
    if json_file is not None:
        files.check_writable(json_file, "--json")
    if html_file is not None:
        _check_html(html_file)
    if series_file is not None:
        _check_series(series_file)
    output = Output(json_file, files.make_directory(out, "--out"), series_file, html_file)
    shown = RunDisplay(Console(stderr=True), plots=watch)
    with (
        sender(where, 1, fewer=True) as send,
        Store.open(store) as opened,
        shown as display,
        also_to(event_file, display) as observer,
    ):
        for sentence in layout.words:
            observer(Note(sentence))
        record = run_search(
            chosen,
            profiled(
                proven(layout.search, None if no_verify else QUICK if quick else DEFAULT),
                profiles or (),
            ),
            purpose=layout.first.purpose,
            store=opened,
            observer=observer,
            backend_urls=urls,
            command_line=("syncline", *sys.argv[1:]),
            settings=Settings(
                probe=not no_probe,
                servers={backend: mask(url) for backend, url in urls.items()},
                verify="no" if no_verify else "quick" if quick else "full",
                fresh=layout.first.fresh or design.precision is not None,
            ),
            tools=real_tools(
                probe=not no_probe, database=backends > 0, bound=design.pin, send=send
            ),
        )
    put_out(record, output)
    if profiles:
        put_out_profiles(record, output.out, alone=json_file != files.STDOUT)
    for sentence in precision_words(record.of_phase("sweep"), design.precision):
        click.echo(sentence, err=True)
    sys.exit(exit_code(record))


def build_experiment(case: Case, asked: Asked) -> Experiment:
    """The trials that were asked for.

    Raises:
        UsageError: an unknown variant, or a case without published loads.
    """
    names = tuple(dict.fromkeys(asked.variants)) or case.default_variants
    loads = {
        "quick": case.quick_loads,
        "published": case.published_loads,
        "default": case.loads,
    }[asked.which]
    if not loads:
        raise UsageError(f"{case.name} has no loads for --as-published.")
    if asked.connections is not None:
        loads = _at_levels(loads, asked.connections)
    if asked.duration_s is not None:
        loads = tuple(with_duration(load, asked.duration_s) for load in loads)
    return sweep(case, names, loads)


def check_urls(case: Case, urls: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """The user's servers by back end.

    Raises:
        UsageError: a server that the case has no use for, or two for one back end.
    """
    given: dict[str, str] = {}
    for backend, url in urls:
        if backend not in case.backends:
            needs = ", ".join(case.backends) or "none"
            raise UsageError(
                f"{case.name} uses no {backend}; the servers that it uses are: {needs}."
            )
        if backend in given:
            raise UsageError(f"--database-url names two servers for {backend}; give one.")
        given[backend] = url
    return given


def put_out(record: RunRecord, output: Output) -> None:
    """Writes the files and shows the comparison; JSON has standard output to itself.

    Raises:
        EnvironmentLackError: a file could not be written; the comparison was shown all the same.
    """
    document = build_comparison(record)
    report = output.out / f"{record.case.name}.md"
    page = Path(output.html or output.out / f"{record.case.name}.html")
    console = Console(stderr=output.json == files.STDOUT)
    try:
        if output.json is not None:
            text = json.dumps(archive_json(record), indent=2, allow_nan=False)
            files.write_text(output.json, f"{text}\n")
        if output.series is not None:
            files.write_text(
                output.series, SERIES_WRITERS[Path(output.series).suffix](record.of_phase("sweep"))
            )
        whole = build_report(record)
        files.write_text(report, render_markdown(whole))
        files.write_text(page, render_html(whole))
    finally:
        render_terminal(document, console)
    where = f"\nReport: {os.fspath(page)}\nMarkdown: {os.fspath(report)}"
    console.print(where, highlight=False, markup=False, soft_wrap=True)


def _check_html(name: str) -> None:
    if name == files.STDOUT:
        raise UsageError("--html - would mix with the table on standard output; name a file.")
    files.check_writable(name, "--html")


def _check_series(name: str) -> None:
    if Path(name).suffix not in SERIES_WRITERS:
        known = " or ".join(SERIES_WRITERS)
        raise UsageError(f"--series {name}: the name must end in {known}, which says the format.")
    files.check_writable(name, "--series")


def _at_levels(loads: tuple[Load, ...], levels: tuple[int, ...]) -> tuple[Load, ...]:
    """The first kind of load at these levels, each as the case has it nearest by.

    A level of the case keeps its own settings; another one takes those of the next heavier.
    """
    kind = [load for load in loads if load.name == loads[0].name]
    chosen = []
    for level in levels:
        heavier = [load for load in kind if load.connections >= level]
        chosen.append(replace((heavier or kind[-1:])[0], connections=level))
    return tuple(chosen)
