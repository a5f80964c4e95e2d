"""Where the requests of ``syncline load`` come from, when not from the command line itself."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from syncline.cli.parameters import Parsed
from syncline.cli.recorded import read_recorded, rows_or_mix
from syncline.cli.sending import Sending
from syncline.errors import UsageError
from syncline.imports import Imported, mix, paced, writing
from syncline.plan import ClosedLoop, OpenLoop, Phase, Plan, Request

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SHOWN = 8
_TAIL_S = 0.5


@dataclass(frozen=True, slots=True)
class Source:
    """The options that name recorded requests, a script or a flow."""

    from_har: Path | None
    from_curl: str | None
    replay: Path | None
    replay_speed: float | None
    keep_credentials: bool
    allow_writes: bool
    reads_only: bool
    flow: tuple[str, str] | None
    script: Path | None
    script_args: tuple[str, ...]


def speed(text: str) -> float:
    """The factor of ``2x`` or ``0.5``.

    Raises:
        UsageError: it is no number above 0.
    """
    try:
        factor = float(text.strip().lower().removesuffix("x"))
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise UsageError(f"{text!r} is no speed; write a factor, such as 2x or 0.5x.")
    return factor


def flow_name(text: str) -> tuple[str, str]:
    """File and function of ``scenario.py:checkout``.

    Raises:
        UsageError: there is no function, or no such file.
    """
    file, colon, name = text.rpartition(":")
    if not colon or not name.isidentifier():
        raise UsageError(f"{text!r} names no flow; write FILE.py:FUNCTION.")
    if not Path(file).is_file():
        raise UsageError(f"{file} is no file.")
    return file, name


SOURCES: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    click.option("--from-har", type=_FILE, help="Send what a browser recorded (a HAR file)."),
    click.option(
        "--from-curl", metavar="FILE", help="Send what these curl commands send; - is stdin."
    ),
    click.option(
        "--replay",
        type=_FILE,
        help="Send an access log's requests (combined, JSON lines) at its own pace.",
    ),
    click.option(
        "--replay-speed",
        type=Parsed("speed", speed),
        help="How much faster than the log: 2x, 0.5x. 1x by default.",
    ),
    click.option(
        "--keep-credentials",
        is_flag=True,
        help="Send recorded Authorization, Cookie and the like; they are left out by default.",
    ),
    click.option(
        "--allow-writes",
        is_flag=True,
        help="Recorded requests other than GET, HEAD and OPTIONS may be sent.",
    ),
    click.option("--reads-only", is_flag=True, help="Leave those out instead."),
    click.option(
        "--flow",
        type=Parsed("file.py:function", flow_name),
        help="Send flows, written in Python; -c is the number of users, -t of processes.",
    ),
    click.option(
        *("-s", "--script"),
        type=_FILE,
        help="A script of wrk (Lua); its arguments follow the URL after --.",
    ),
)


@contextmanager
def sourced(source: Source, plan: Plan, *, chosen: bool, away: bool) -> Iterator[Sending]:
    """The plan with the requests of its source, and what sends it if that is not the engine.

    Args:
        chosen: method, body or a list of requests were given as well.
        away: the load is to be sent from other machines.

    Raises:
        UsageError: sources contradict each other, or one cannot be read.
    """
    named = {
        "--from-har": source.from_har,
        "--from-curl": source.from_curl,
        "--replay": source.replay,
        "--flow": source.flow,
        "--script": source.script,
    }
    given = [name for name, value in named.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"{given[0]} and {given[1]} both say what is sent; give one.")
    _check(source, plan, given, chosen=chosen, away=away)
    with tempfile.TemporaryDirectory(prefix="syncline-") as folder:
        yield _sending(source, plan, Path(folder))


def _check(source: Source, plan: Plan, given: Sequence[str], *, chosen: bool, away: bool) -> None:
    if not given and source.script_args:
        raise UsageError(f"{source.script_args[0]!r} is one word too many; one URL is loaded.")
    if source.script_args and source.script is None:
        raise UsageError("Words after the URL are a script's arguments; name one with -s.")
    if source.replay_speed is not None and source.replay is None:
        raise UsageError("--replay-speed belongs to --replay LOG.")
    if given and chosen and source.script is None:
        raise UsageError(f"{given[0]} sets methods and bodies; leave out the others.")
    if given and source.script is None and plan.requests[0].path != "/":
        raise UsageError(f"{given[0]} sets the paths; leave the URL's path out.")
    if given and away:
        raise UsageError(f"{given[0]} sends from this machine; leave --on out.")


def _sending(source: Source, plan: Plan, folder: Path) -> Sending:
    if source.flow is not None or source.script is not None:
        return _programmed(source, plan, folder)
    found = _recorded(source)
    if found is None:
        return Sending(plan)
    if source.reads_only:
        found = _reads(found)
    _ask_for_writes(found, source)
    base = plan.requests[0]
    requests = tuple(_with_base(one, base) for one in found.requests)
    if source.replay is not None:
        return _replayed(source, plan, replace(found, requests=requests), folder)
    kinds = mix(requests) or rows_or_mix(requests, folder, "recorded")
    return Sending(replace(plan, requests=kinds), notes=(*found.notes, _list(found.requests)))


def _programmed(source: Source, plan: Plan, folder: Path) -> Sending:
    from syncline.cli.flow_sources import send_flow, send_script  # late: a plain load needs none
    from syncline.flow import Scenario

    if source.flow is not None:
        return send_flow(Scenario("python", *source.flow), plan)
    script = Scenario("wrk", str(source.script), "", source.script_args)
    return send_script(script, plan, folder)


def _recorded(source: Source) -> Imported | None:
    keep = source.keep_credentials
    if source.from_har is not None:
        return read_recorded(str(source.from_har), "har", keep_credentials=keep)
    if source.from_curl is not None:
        return read_recorded(source.from_curl, "curl", keep_credentials=keep)
    if source.replay is not None:
        return read_recorded(str(source.replay), "log", keep_credentials=keep)
    return None


def _reads(found: Imported) -> Imported:
    bad = set(writing(found.requests))
    kept = [at for at, one in enumerate(found.requests) if one not in bad]
    if not kept:
        raise UsageError("Every recorded request may write; --reads-only leaves none.")
    at_s = found.at_s
    return replace(
        found,
        requests=tuple(found.requests[at] for at in kept),
        at_s=None if at_s is None else tuple(at_s[at] - at_s[kept[0]] for at in kept),
        notes=(*found.notes, f"Left out, since they may write: {len(bad)} kinds of request."),
    )


def _ask_for_writes(found: Imported, source: Source) -> None:
    changing = writing(found.requests)
    if changing and not source.allow_writes:
        raise UsageError(
            f"{len(changing)} of {len(found.requests)} requests may change the service's data: "
            f"{_kinds(changing)}. Add --allow-writes if they may be sent, again and again, or "
            "--reads-only to leave them out."
        )


def _with_base(one: Request, base: Request) -> Request:
    """The request with what the command line says of all: headers and expected statuses."""
    own = {name.lower() for name, _ in base.headers}
    headers = tuple((name, value) for name, value in one.headers if name.lower() not in own)
    return replace(one, headers=(*base.headers, *headers), expect=base.expect)


def _replayed(source: Source, plan: Plan, found: Imported, folder: Path) -> Sending:
    count = len(found.requests)
    requests = rows_or_mix(found.requests, folder, "replay")
    order = "in the log's order" if len(requests) == 1 else "mixed by the methods' shares"
    plan = replace(plan, requests=requests)
    if found.at_s is None or isinstance(plan.schedule, OpenLoop):
        if source.replay_speed is not None:
            raise UsageError("--replay-speed needs the log's own pace: times in it, and no --rate.")
        why = "the command line's rate" if found.at_s else "no times in the log"
        if not isinstance(plan.schedule, OpenLoop):
            why += ", so a closed loop"
        note = f"{count} requests {order}, with {why}, over and over."
        return Sending(plan, notes=(*found.notes, note))
    if plan.warmup_s or plan.schedule != ClosedLoop():
        raise UsageError("A replay at the log's own pace has neither --warmup nor --think-time.")
    factor = source.replay_speed or 1.0
    phases = paced(found.at_s, found.resolution_s, factor)
    whole_s = sum(phase.duration_s for phase in phases)
    # The engine would hold the last rate; the tail leaves the last bin's requests time to begin.
    schedule = OpenLoop((*phases, Phase(_TAIL_S, 0.0, 0.0)))
    shown = f"{count} requests {order}, at {factor:g}x the log's pace: {whole_s:.1f} s"
    bin_s = min(phase.duration_s for phase in phases)
    note = f"{shown}, instants kept to {1000 * bin_s:.0f} ms."
    return Sending(
        replace(plan, schedule=schedule, duration_s=whole_s + _TAIL_S, request_count=count),
        notes=(*found.notes, note),
    )


def _list(requests: Sequence[Request]) -> str:
    return f"{len(requests)} recorded requests, mixed by how often each stands there: " + (
        f"{_kinds(requests)}."
    )


def _kinds(requests: Sequence[Request]) -> str:
    counts = Counter(one.name for one in requests)
    shown = [f"{name} ({count})" for name, count in counts.most_common(_SHOWN)]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
