"""One line per request, in the Common Log Format."""

import re
import sys
import time
from functools import lru_cache

# Whatever a client sends, a terminal that shows the log must not obey it.
_UNPRINTABLE = re.compile(rb"[^\x20\x21\x23-\x5b\x5d-\x7e]")
_LONGEST = 1000


def write_line(peer: str, request_line: bytes, status: int, body_bytes: int) -> None:
    """Writes the line to the standard output; a broken one is not the client's concern."""
    shown = _UNPRINTABLE.sub(_escaped, request_line[:_LONGEST]).decode("ascii")
    when = _local_time(int(time.time()))
    try:
        sys.stdout.write(f'{peer} - - [{when}] "{shown}" {status} {body_bytes}\n')
    except OSError:
        return


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"\\x%02x" % match[0][0]


@lru_cache(maxsize=1)
def _local_time(seconds: int) -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S %z", time.localtime(seconds))
