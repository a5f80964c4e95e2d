"""Fetches a server that no wheel holds: ``python -m syncline.backends.fetch mariadb``."""

from __future__ import annotations

import argparse
import sys

from syncline.backends.mariadb_packages import fetch_mariadb
from syncline.errors import SynclineError
from syncline.process import Workspace


def main() -> int:
    """Fetches it into the cache and says where it is; calling it is the consent."""
    parser = argparse.ArgumentParser(prog="python -m syncline.backends.fetch", description=__doc__)
    parser.add_argument("server", choices=["mariadb"])
    parser.parse_args()
    try:
        with Workspace.open() as workspace:
            print(f"MariaDB is in {fetch_mariadb(workspace)}")
    except SynclineError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
