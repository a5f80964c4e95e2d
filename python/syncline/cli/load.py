"""``syncline load URL``: drive one target and say what came."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from syncline.cli import parameters
from syncline.cli.load_output import Loaded, Output, check_output, exit_code, put_out
from syncline.cli.load_plan import How, What, When, build_plan
from syncline.cli.load_sources import SOURCES, Source, sourced
from syncline.cli.on import LOCAL, ON, Load, Where, sender
from syncline.cli.target import admit, parse_target
from syncline.outcome import Interrupted
from syncline.plan import Plan
from syncline.report.live import Display, LoadDisplay

T = TypeVar("T")
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

EPILOG = """\b
Examples:
  syncline load http://127.0.0.1:8000/users -c 64 -d 10s
  syncline load http://127.0.0.1:8000/ -R 1000 -d 1m --json out.json
  syncline load http://127.0.0.1:8000/ --stages 10s:100,30s:100..1000 --poisson
  syncline load 127.0.0.1:8080 -X PUT -b '{{string:300}}' -n 100000
  syncline load http://127.0.0.1:8000 --replay access.log --replay-speed 2x
  syncline load http://127.0.0.1:8000 --flow scenario.py:checkout -c 20 -t 2
  syncline load http://127.0.0.1:8080 -s put.lua -c 64
"""


def _option(*names: str, **settings: Any) -> Wrap:
    return click.option(*names, **settings)


WHAT = (
    _option("-X", "-m", "--method", metavar="METHOD", help="GET, or POST if there is a body."),
    _option(
        *("-H", "--header", "headers"),
        type=parameters.HEADER,
        multiple=True,
        help="A header line 'Name: value'; may be repeated.",
    ),
    _option("-b", "--body", metavar="TEXT", help="The body; may hold templates ({{string:8}})."),
    _option("--body-file", type=_FILE, help="A file whose bytes are the body."),
    _option(
        "--form",
        type=parameters.FORM_FIELD,
        multiple=True,
        help="A form field name=value; may be repeated.",
    ),
    _option("--json-body", metavar="JSON", help="A JSON body, with its Content-Type."),
    _option(
        "--expect",
        type=parameters.STATUSES,
        help="Statuses that are a success: 201, 200,404, 2xx. Any 2xx or 3xx by default.",
    ),
    _option("-u", "--user", metavar="NAME:PASSWORD", help="Basic authentication."),
    _option("--bearer", metavar="TOKEN", help="A bearer token."),
    _option(
        "--requests-file",
        type=_FILE,
        help='Several requests with weights: a JSON list of {"path", "method", "weight", …}.',
    ),
)
WHEN = (
    _option(
        *("-d", "--duration"),
        type=parameters.DURATION,
        help="How long to measure: 5, 5s, 1m30s. 10 s by default.",
    ),
    _option(
        "-n",
        "--requests",
        type=click.IntRange(1),
        metavar="N",
        help="End after that many requests.",
    ),
    _option(
        *("-R", "--rate"),
        type=parameters.RATE,
        help="Open loop at that many requests per second; 100..1000 is a ramp.",
    ),
    _option(
        "--stages",
        "--steps",
        type=parameters.STAGES,
        help="Open loop in stages: 10s:100,30s:1000,10s:1000..0.",
    ),
    _option("--poisson", is_flag=True, help="Random arrivals at the rate, not even ones."),
    _option(
        "--think-time",
        type=parameters.DURATION,
        help="Closed loop: the pause between a response and the next request.",
    ),
    _option(
        "--warmup",
        type=parameters.DURATION,
        default=0.0,
        help="Send for that long before measuring.",
    ),
    _option(
        "--interval",
        type=parameters.DURATION,
        default=1.0,
        show_default="1s",
        help="The length of one interval of the time series.",
    ),
    _option("--seed", type=int, default=1, show_default=True, help="Fixes all random choices."),
)
HOW = (
    _option(
        *("-c", "--connections"),
        type=click.IntRange(1, 1_000_000),
        metavar="N",
        default=10,
        show_default=True,
        help="How many connections carry the requests.",
    ),
    _option(
        *("-t", "--threads"),
        type=click.IntRange(1),
        metavar="N",
        default=1,
        show_default=True,
        help="How many threads share the connections.",
    ),
    _option(
        *("-T", "--timeout"),
        type=parameters.DURATION,
        help="Give up on a request after that long. 30 s of silence or 60 s by default.",
    ),
    _option("--connect-timeout", type=parameters.DURATION, help="5 s by default."),
    _option("--no-keepalive", is_flag=True, help="A new connection for each request."),
    _option("--cookies", is_flag=True, help="Keep cookies, for each connection its own."),
    _option("--insecure", "-k", is_flag=True, help="Do not check the server's certificate."),
    _option("--cacert", type=_FILE, help="Trust the authorities in this PEM file."),
    _option("--cert", type=_FILE, help="The client's certificate (PEM)."),
    _option("--key", type=_FILE, help="Its private key (PEM)."),
    _option("--sni", metavar="NAME", help="The name to ask for and check, instead of the host."),
    _option("--unix-socket", metavar="PATH", help="Connect to this socket instead of the host."),
    _option(
        "--redirects",
        type=click.IntRange(0, 20),
        metavar="N",
        default=0,
        show_default=True,
        help="Follow up to N redirects of a request, within the same origin.",
    ),
    _option("--spin", is_flag=True, help="Poll instead of sleeping: exact, costs a core a thread."),
    _option(
        "--pin-cpus",
        type=parameters.CPUS,
        help="Keep the threads on these processors, in turn: 0,1.",
    ),
    _option(
        "--i-may-load",
        metavar="HOST",
        multiple=True,
        help="Needed for a host on a public address: its owner agrees to being loaded.",
    ),
)
OUTPUT = (
    _option("--latency", is_flag=True, help="Also print the detailed percentile spectrum."),
    _option("--json", metavar="FILE", help="Write the whole result as JSON; - is standard output."),
    _option("--html", metavar="FILE", help="Write one self-contained page with charts."),
    _option("--csv", metavar="FILE", help="Write the intervals as CSV; - is standard output."),
    _option(
        "--hdr",
        metavar="FILE",
        multiple=True,
        help="Write HdrHistogram's .hgrm or .hlog, by the name's end; may be repeated.",
    ),
    _option("-q", "--quiet", is_flag=True, help="No live display; only the verdict."),
)


def _options(*groups: tuple[Wrap, ...]) -> Wrap:
    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed([option for group in groups for option in group]):
            function = option(function)
        return function

    return wrap


@click.command(epilog=EPILOG)
@click.argument("url")
@click.argument("script_args", nargs=-1)
@_options(HOW, WHEN, WHAT, SOURCES, ON, OUTPUT)
def load(url: str, **given: Any) -> None:
    """Load URL and report throughput, latency and errors.

    Without --rate it is a closed loop: each connection sends its next request when its last one
    was answered. With --rate or --stages it is an open loop: requests start at planned instants
    whatever the service does, and response time runs from there.

    Exits with 0 if the measurement is good, 1 if the service hung, 2 if the command is wrong, 3 if
    the measurement is not valid or nothing succeeded, 130 on Ctrl-C (what was measured until then
    is kept).
    """
    target = parse_target(url, given["unix_socket"])
    output = _take(Output, given)
    where = _take(Where, given)
    what = _take(What, given)
    plan = build_plan(target, what, _take(When, given), _take(How, given))
    check_output(output)
    plan = replace(plan, addresses=admit(target, given["i_may_load"]))
    chosen = what.requests_file is not None or plan.requests[0].method != "GET"
    away = where.on != LOCAL
    with (
        sourced(_take(Source, given), plan, chosen=chosen, away=away) as sending,
        sender(where, plan.threads, given["i_may_load"]) as send,
    ):
        for note in sending.notes:
            click.echo(note, err=True)
        loaded = _run(sending.plan, sending.send or send, quiet=output.quiet)
    put_out(replace(loaded, extra=sending.extra), output)
    for fact in sending.facts():
        click.echo(fact, err=True)
    sending.after(loaded.result)
    sys.exit(exit_code(loaded))


def _run(plan: Plan, send: Load, *, quiet: bool) -> Loaded:
    started = datetime.now(UTC)
    try:
        if quiet:
            result = send(plan, None)
        else:
            with Display(Console(stderr=True)) as display:
                shown = LoadDisplay(display, plan.duration_s, plan.request_count)
                result = send(plan, shown)
    except Interrupted as stop:
        return Loaded(plan, stop.result, started, interrupted=True)
    return Loaded(plan, result, started, interrupted=False)


def _take(kind: type[T], given: Mapping[str, Any]) -> T:
    """The options that a group's value has fields for."""
    return kind(**{field.name: given[field.name] for field in fields(kind)})  # type: ignore[arg-type]
