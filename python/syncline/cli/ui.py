"""``syncline ui``: a local page over the store."""

from __future__ import annotations

import re
import secrets
import ssl
import webbrowser
from pathlib import Path

import click

import syncline_cases
from syncline.cli.own import CONFIG, PYPROJECT
from syncline.cli.stored import store_option
from syncline.config import has_section
from syncline.errors import EnvironmentLackError, UsageError
from syncline.process import Workspace

LOOPBACK = "127.0.0.1"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}\Z")
_WILDCARDS = ("", "0.0.0.0", "::", "*")  # noqa: S104 - refused, not bound


@click.command(
    epilog="""\b
Examples:
  syncline ui
  syncline ui --open
  syncline ui --port 8080 --store team.db
  syncline ui --host bench.example --tls-cert cert.pem --tls-key key.pem  # and SYNCLINE_UI_TOKEN
"""
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="Where it listens; a free port otherwise.",
)
@click.option(
    "--host",
    default=LOOPBACK,
    show_default=True,
    metavar="NAME",
    help="The name or address that browsers use; other than loopback it needs a token and TLS.",
)
@click.option(
    "--token",
    envvar="SYNCLINE_UI_TOKEN",
    show_envvar=True,
    metavar="TEXT",
    help="What one must know to see the page; a random one otherwise.",
)
@click.option("--tls-cert", type=click.Path(path_type=Path), metavar="FILE", help="Speak TLS.")
@click.option(
    "--tls-key", type=click.Path(path_type=Path), metavar="FILE", help="The certificate's key."
)
@click.option("--open", "opened", is_flag=True, help="Open the page in the browser.")
@store_option
def ui(
    *,
    port: int,
    host: str,
    token: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    opened: bool,
    store: str,
) -> None:
    """Show the runs that are kept in the browser: reports, comparisons, a run that goes on.

    From the page a case that ships can be started, or the service that ./syncline.toml describes,
    and nothing else. Ctrl-C stops the page, and a run that was started from it.
    """
    try:
        from syncline import web
        from syncline.web.access import is_loopback
        from syncline.web.kept import Kept
    except ModuleNotFoundError as error:
        raise EnvironmentLackError(
            f"The page needs {str(error.name).partition('.')[0]}; "
            "'pip install syncline[ui]' brings it."
        ) from error
    tls = _tls(tls_cert, tls_key)
    check_exposure(host, token, tls is not None, loopback=is_loopback(host))
    with Workspace.open() as workspace, web.bind(host, port) as bound:
        access = web.Access(
            host, bound.getsockname()[1], token or secrets.token_urlsafe(24), secure=tls is not None
        )
        offered = tuple(web.Offer(name, *rest) for name, rest in offers(Path.cwd()).items())
        runner = web.Runner(store, offered, workspace)
        address = f"{access.address}?token={access.token}"
        click.echo(f"The page is at {address}\nCtrl-C stops it.")
        if opened:
            _show(address, workspace)
        try:
            web.serve(web.build_app(web.Site(Kept(store), runner), access), bound, tls)
        except KeyboardInterrupt:
            click.echo("Stopped.")
        finally:
            runner.close()


def check_exposure(host: str, token: str | None, secure: bool, *, loopback: bool) -> None:
    """Refuses what would let others in.

    Raises:
        UsageError: a token that can be guessed or does not fit a URL, every address at once, or
            an address that others reach without a token and TLS.
    """
    if token is not None and not _TOKEN.match(token):
        raise UsageError(
            "--token needs 16 to 200 letters, digits, - and _; leave it out for a random one."
        )
    if host in _WILDCARDS:
        raise UsageError(
            f"--host {host!r} is every address; name the one that browsers will use, so that "
            "requests for another name can be refused."
        )
    if not loopback and (token is None or not secure):
        raise UsageError(
            f"Others can reach {host}: give --token (or SYNCLINE_UI_TOKEN), --tls-cert and "
            "--tls-key, or leave --host out."
        )


def offers(folder: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """What may be started: by name, its title and the words after ``syncline``.

    The service that the folder's config file describes comes first; it is read when it is run.
    """
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name in (CONFIG, PYPROJECT):
        path = folder / name
        if path.is_file() and (name == CONFIG or _has_section(path)):
            found[name] = ("the service that it describes", ("run",))
            break
    for name in syncline_cases.names():
        found[name] = (syncline_cases.load_case(name).title, ("run", name))
    return found


def _has_section(path: Path) -> bool:
    try:
        return has_section(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return False


def _tls(cert: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise UsageError("--tls-cert and --tls-key belong together; give both.")
    for option, path in (("--tls-cert", cert), ("--tls-key", key)):
        if not path.is_file():
            raise UsageError(f"{option} {path} is no file.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except OSError as error:  # ssl.SSLError is one
        raise EnvironmentLackError(
            f"--tls-cert {cert} and --tls-key {key} cannot be used: {error}."
        ) from error
    return cert, key


def _show(address: str, workspace: Workspace) -> None:
    """Opens the page by a file that leads there: a browser's arguments are everybody's to read."""
    leads = workspace.directory("open") / "syncline.html"
    leads.write_text(
        '<!doctype html><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0;url={address}"><title>Syncline</title>',
        encoding="utf-8",
    )
    if not webbrowser.open(leads.as_uri()):
        click.echo("No browser could be started; open the address by hand.", err=True)
