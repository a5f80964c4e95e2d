"""The server with a folder of its own: ``python -m syncline_cases.httpd.seeded [OPTIONS] PORT``.

Takes the options of ``syncline_cases.httpd``. Reads ``SYNCLINE_CONTENT``: ``seeded`` (the
default) or ``none``, a folder with nothing to serve; and ``SYNCLINE_STDOUT``: ``inherited``
(the default) or ``terminal``, a terminal that copies what it shows to the inherited one.
"""

import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from syncline_cases.httpd.__main__ import STOP_SIGNALS, main
from syncline_cases.httpd.prepare import fill


def serve() -> int:
    # A stop that comes early waits until the folder can be removed again.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    with tempfile.TemporaryDirectory(prefix="syncline-httpd-") as folder:
        if os.environ.get("SYNCLINE_CONTENT", "seeded") == "seeded":
            fill(Path(folder))
        if os.environ.get("SYNCLINE_STDOUT", "inherited") == "terminal":
            write_to_terminal()
        return main(["-r", folder, *sys.argv[1:]])


def write_to_terminal() -> None:
    """Makes the standard output a terminal, read by a process of its own as a real one is."""
    screen, terminal = pty.openpty()
    # At the end the terminal hangs up, of which cat complains.
    subprocess.Popen([shutil.which("cat") or "/bin/cat"], stdin=screen, stderr=subprocess.DEVNULL)
    os.close(screen)
    os.dup2(terminal, 1)
    os.close(terminal)
    sys.stdout = os.fdopen(1, "w", buffering=1)


if __name__ == "__main__":
    sys.exit(serve())
