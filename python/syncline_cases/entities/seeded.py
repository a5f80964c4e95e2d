"""The server with data of its own: ``python -m syncline_cases.entities.seeded [OPTIONS] PORT``.

Takes the options of ``syncline_cases.entities``. Fills a store before it listens: below
``SYNCLINE_DATA_DIR`` if that is set, else in a temporary folder that goes with the server.
Reads ``SYNCLINE_ENTITIES``, how many to fill it with.
"""

import os
import signal
import sys
import tempfile
from pathlib import Path

from syncline_cases.entities.__main__ import STOP_SIGNALS, run
from syncline_cases.entities.options import parse
from syncline_cases.entities.prepare import fill, wanted


def serve() -> int:
    # A stop that comes early waits until the folder can be removed again.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    base = os.environ.get("SYNCLINE_DATA_DIR")
    with tempfile.TemporaryDirectory(prefix="syncline-entities-", dir=base) as folder:
        options = parse(None, Path(folder))
        fill(options.data / "store", options.store, wanted())
        return run(options)


if __name__ == "__main__":
    sys.exit(serve())
