"""``syncline serve CASE``: one variant with its back ends, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import get_args

import click

import syncline_cases
from syncline import whatif
from syncline.backends import provide
from syncline.cli.choices import (
    BACKEND_URL,
    complete_case,
    complete_variant,
    database_option,
    setting_option,
)
from syncline.cli.parameters import MOST_WORKERS
from syncline.cli.run import check_urls
from syncline.cli.shape import Serving, on_database, served_by, with_settings
from syncline.cli.what_ifs import what_if_option, with_what_ifs
from syncline.errors import MeasurementError
from syncline.experiment.probing import what_if_observations
from syncline.experiment.tools import prepare
from syncline.launch import Service, start_service
from syncline.mask import mask
from syncline.observe.probe import ProbeReader
from syncline.process import Workspace, check_port_free
from syncline.trial import Case, Loop, Server, Variant

EPILOG = """\b
Examples:
  syncline serve users --variant async --port 8000
  syncline serve users --variant sync --set rows=1000 --server granian --workers 2
  syncline serve users --variant sync --what-if admission=54
"""
HOST = "127.0.0.1"
_LOOK_EVERY_S = 0.5


@click.command(epilog=EPILOG)
@click.argument("case", metavar="CASE", shell_complete=complete_case)
@click.option(
    "--variant",
    metavar="NAME",
    shell_complete=complete_variant,
    help="Which one; the case's first default one otherwise.",
)
@setting_option
@what_if_option
@click.option("--server", type=click.Choice(get_args(Server)), help="What serves it.")
@click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    metavar="N",
    help="How many worker processes it has.",
)
@click.option("--loop", type=click.Choice(get_args(Loop)), help="The event loop that it runs on.")
@database_option
@click.option(
    "--port", type=click.IntRange(1, 65535), metavar="N", help="Where; a free one otherwise."
)
@click.option(
    *("--database-url", "backend_urls"),
    type=BACKEND_URL,
    metavar="URL",
    multiple=True,
    help="Use this server instead of a private one; the case's tables are dropped and filled in "
    "it.",
)
def serve(
    *,
    case: str,
    variant: str | None,
    settings: tuple[tuple[str, str], ...],
    what_ifs: tuple[Mapping[str, str], ...],
    server: Server | None,
    workers: int | None,
    loop: Loop | None,
    database: str | None,
    port: int | None,
    backend_urls: tuple[tuple[str, str], ...],
) -> None:
    """Start one variant of CASE with its database, and nothing else, until Ctrl-C."""
    chosen = syncline_cases.load_case(case)
    names: tuple[str, ...] = (variant or chosen.default_variants[0],)
    chosen = with_settings(chosen, names, settings)
    chosen = on_database(chosen, database, dict(backend_urls))
    serving = Serving(
        (server,) if server else (), (workers,) if workers else (), (loop,) if loop else ()
    )
    chosen, names = served_by(chosen, names, serving)
    urls = check_urls(chosen, backend_urls)
    merged = {name: value for one in what_ifs for name, value in one.items()}
    chosen, names = with_what_ifs(chosen, names, (merged,), own_servers=urls)
    served = chosen.variant(names[-1])
    if port is not None:
        check_port_free(HOST, port)
    with ExitStack() as stack:
        service = _start(stack, chosen, served, port, dict(urls))
        click.echo("Ctrl-C stops it.")
        sys.stdout.flush()
        try:
            _wait(service)
        except KeyboardInterrupt:
            click.echo("Stopped.")


def _start(
    stack: ExitStack, case: Case, variant: Variant, port: int | None, urls: dict[str, str]
) -> Service:
    workspace = stack.enter_context(Workspace.open())
    env: dict[str, str] = {}
    lines = []
    for name in case.backends:
        settings = whatif.backend_settings(variant, name)
        backend = stack.enter_context(provide(name, settings, workspace, urls.get(name)))
        env.update(backend.env())
        lines.append(f"{name}: {mask(backend.url)}")
    if case.prepare is not None:
        prepare(case.prepare, {**env, **variant.settings_env}, workspace)
    probe: ProbeReader | None = None
    if inside := whatif.environment(variant):
        probe = stack.enter_context(ProbeReader(workspace.path))
        env |= {**inside, **probe.env()}
    service = stack.enter_context(
        start_service(
            variant,
            workspace=workspace,
            env=env,
            ready_path=case.ready_path,
            host=HOST,
            port=port,
        )
    )
    click.echo(f"{case.name}, {variant.name}: {service.url}{case.ready_path}")
    for line in lines:
        click.echo(line)
    for one in () if probe is None else what_if_observations(probe, expected=True):
        click.echo(one.text)
    return service


def _wait(service: Service) -> None:
    """Until a signal comes, which raises, or the service ends by itself."""
    while service.exit_status() is None:
        signal.sigtimedwait([], _LOOK_EVERY_S)
    raise MeasurementError(
        f"The service ended by itself, with status {service.exit_status()}. Its last words:\n"
        f"{service.log_tail()}"
    )
