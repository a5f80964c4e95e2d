"""``python -m syncline_cases.httpd [-q] [-w WORKERS] [-r ROOT] [--host HOST] PORT``."""

import argparse
import signal
import sys
from collections.abc import Sequence

from syncline_cases.httpd.access_log import write_line
from syncline_cases.httpd.files import Root
from syncline_cases.httpd.owning_pool import OwningPool
from syncline_cases.httpd.server import Server
from syncline_cases.httpd.sharing_pool import SharingPool

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until SIGINT or SIGTERM; the exit code is 1 if the server cannot start."""
    options = _options(argv)
    # Before any thread starts, so that the signals wait for sigwait() below.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        root = Root(options.root)
        pool = (SharingPool if options.hand_back else OwningPool)(options.workers)
        log = None if options.quiet else write_line
        server = Server((options.host, options.port), root, pool, log=log)
    except OSError as error:
        print(f"httpd cannot start: {error}", file=sys.stderr)
        return 1
    server.start()
    print(f"Serving {options.root} on {options.host}:{server.port}", file=sys.stderr, flush=True)
    signal.sigwait(STOP_SIGNALS)
    server.stop()
    sys.stdout.flush()
    return 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m syncline_cases.httpd", description="Serve the files below a folder."
    )
    parser.add_argument("port", type=_number(0, 65535), metavar="PORT", help="0 picks a free one")
    parser.add_argument("-q", "--quiet", action="store_true", help="no line per request")
    parser.add_argument("-w", "--workers", type=_number(1, 1000), default=4, metavar="WORKERS")
    parser.add_argument("-r", "--root", default=".", metavar="ROOT", help="the folder to serve")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument(
        "--hand-back",
        action="store_true",
        help="idle connections go back to a selector, so that they hold no worker",
    )
    return parser.parse_args(argv)


class _number:
    """A whole number within bounds, for argparse."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def __call__(self, text: str) -> int:
        number = int(text)
        if not self._least <= number <= self._most:
            raise argparse.ArgumentTypeError(f"{number} is not {self._least} to {self._most}")
        return number

    def __repr__(self) -> str:
        return "whole number"


if __name__ == "__main__":
    sys.exit(main())
