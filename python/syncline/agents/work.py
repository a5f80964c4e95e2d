"""What an agent does on its machine. No Ray in here: Ray only carries the calls.

An agent holds a lease that each call renews. If its driver is not heard for the lease's time, it
ends its load by itself: no load may outlive the one who asked for it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from syncline import _engine
from syncline.agents.access import token_required
from syncline.agents.files import relocate
from syncline.agents.ledger import progress_message
from syncline.agents.wire import decode, encode
from syncline.codec import canonical, from_json
from syncline.consent import check_consent
from syncline.errors import SynclineError, UsageError
from syncline.outcome import Progress
from syncline.plan import Plan

LEASE_S = 4.0
_TICK_S = 0.1
_RATE_OVER_S = 1.0


class Work:
    """One agent. Every method is quick; a load runs in a thread of its own.

    Args:
        number: the agent's, from 0.
        lease_s: how long it goes on without being asked anything.
        on_lapse: what it does after its load was ended because its lease ended.
    """

    def __init__(
        self, number: int, lease_s: float = LEASE_S, on_lapse: Callable[[], None] | None = None
    ) -> None:
        self._number = number
        self._lease_s = lease_s
        self._on_lapse = on_lapse or _leave
        self._heard_s = time.monotonic()
        self._sequence = 0
        self._load: _Load | None = None

    def hello(self) -> bytes:
        """Who this is: version, machine, and whether its cluster asks for a token."""
        self._renew()
        return encode(
            {
                "agent": self._number,
                "version": version("syncline"),
                "node": socket.gethostname(),
                "network": network(),
                "token": token_required(),
                "pid": os.getpid(),
            }
        )

    def clock(self) -> int:
        """Now, on this machine's monotonic clock, in nanoseconds."""
        self._renew()
        return time.monotonic_ns()

    def prepare(self, message: bytes) -> bytes:
        """Takes a plan and its files, and checks that the target may be loaded from here."""
        self._renew()
        asked = decode(message)
        try:
            plan = from_json(Plan, asked["plan"], "plan")
            admit_here(plan, asked["allowed"])
            if self._load is not None:
                self._load.close()
            files = {path: base64.b64decode(text) for path, text in asked["files"].items()}
            self._load = _Load(plan, files)
        except SynclineError as error:
            return encode({"error": type(error).__name__, "text": str(error)})
        return encode({"error": None})

    def begin(self, at_ns: int) -> None:
        """Starts the load that was prepared at that instant of this machine's clock."""
        self._renew()
        if self._load is not None:
            threading.Thread(
                target=self._load.run, args=(at_ns, self._lapsed), daemon=True, name="load"
            ).start()

    def poll(self) -> bytes:
        """How the load goes."""
        self._renew()
        load = self._load
        return self._say(
            {"state": "idle"} if load is None else {"state": load.state, **load.glance()}
        )

    def stop(self) -> None:
        """Asks the load to end; what was measured is kept."""
        self._renew()
        if self._load is not None:
            self._load.stop()

    def result(self) -> bytes:
        """The result of a load that ended; the same bytes with the same number each time."""
        self._renew()
        load = self._load
        if load is None or load.state != "ended":
            return self._say({"error": "no load of this agent has ended"})
        if load.answer is None:
            load.answer = self._say(load.outcome)
        return load.answer

    def _say(self, content: dict[str, Any]) -> bytes:
        self._sequence += 1
        return encode({"agent": self._number, "sequence": self._sequence, **content})

    def _renew(self) -> None:
        self._heard_s = time.monotonic()

    def _lapsed(self) -> bool:
        if time.monotonic() - self._heard_s <= self._lease_s:
            return False
        if self._load is not None:
            self._load.stop()
            self._load.close()
        self._on_lapse()
        return True


class _Load:
    """One load, from its preparation to its result."""

    def __init__(self, plan: Plan, files: dict[str, bytes]) -> None:
        self.state = "ready"
        self.outcome: dict[str, Any] = {}
        self.answer: bytes | None = None
        self._run: _engine.Run | None = None
        self._stopped = threading.Event()
        self._rates: deque[tuple[float, int]] = deque([(0.0, 0)])
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        where = {}
        if files:
            self._directory = tempfile.TemporaryDirectory(prefix="syncline-agent-")
            for index, (path, data) in enumerate(sorted(files.items())):
                place = Path(self._directory.name) / str(index)
                place.write_bytes(data)
                where[path] = str(place)
        self._plan = relocate(plan, where)

    def run(self, at_ns: int, lapsed: Callable[[], bool]) -> None:
        """Waits for the instant, runs, and leaves the outcome behind."""
        try:
            while (left_s := (at_ns - time.monotonic_ns()) / 1e9) > 0:
                if self._stopped.wait(min(left_s, _TICK_S)) or lapsed():
                    break
            self._measure(lapsed)
        finally:
            self.close()
            self.state = "ended"

    def _measure(self, lapsed: Callable[[], bool]) -> None:
        try:
            self._run = run = _engine.Run(canonical(self._plan))
        except ValueError as error:
            self.outcome = {"error": str(error.args[-1])}
            return
        self.state = "running"
        while not run.wait(_TICK_S):
            if self._stopped.is_set() or lapsed():
                run.stop()
                break
        try:
            self.outcome = {"result": json.loads(run.result())}
        except RuntimeError as error:
            self.outcome = {"error": f"the load engine failed: {error}"}

    def stop(self) -> None:
        self._stopped.set()

    def close(self) -> None:
        """Removes its files; the engine has read them when it started."""
        if self._directory is not None:
            self._directory.cleanup()

    def glance(self) -> dict[str, Any]:
        if self._run is None or self.state != "running":
            return {}
        try:
            elapsed_s, ok, failed, timed_out, in_flight, p50, p99, warmup = self._run.glance()
        except RuntimeError:
            return {}  # it ended between the two lines above; the result tells all
        seen = self._rates
        if ok < seen[-1][1]:
            seen.clear()  # the warm-up's end: counts began anew
            seen.append((elapsed_s, 0))
        seen.append((elapsed_s, ok))
        while len(seen) > 2 and elapsed_s - seen[1][0] >= _RATE_OVER_S:
            seen.popleft()
        over_s = elapsed_s - seen[0][0]
        rate = (ok - seen[0][1]) / over_s if over_s > 0 else 0.0
        return progress_message(
            Progress(elapsed_s, ok, failed, timed_out, in_flight, rate, p50, p99, warmup)
        )


def admit_here(plan: Plan, allowed: list[str]) -> None:
    """Refuses a target that may not be loaded, as this machine sees it.

    The driver's word is not taken for it: a name may lead elsewhere from here. Addresses in the
    plan are those that the engine will use; without them the name is resolved here.

    Raises:
        UsageError: it does not resolve, or it is public and not allowed.
    """
    if plan.target.startswith("unix://"):
        return
    parts = urlsplit(plan.target)
    host = parts.hostname or ""
    addresses = plan.addresses
    if not addresses:
        try:
            found = socket.getaddrinfo(host, parts.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise UsageError(
                f"{host} does not resolve on {socket.gethostname()}: {error}."
            ) from None
        addresses = tuple(str(entry[4][0]) for entry in found)
    check_consent(host, addresses, allowed)


def network() -> str:
    """A name for the network that loopback addresses mean here: this kernel's, this namespace's."""
    boot, namespace = "", ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str(Path("/proc/self/ns/net").readlink())
    return f"{boot or socket.gethostname()}/{namespace}"


def _leave() -> None:
    """Ends the agent's process: nobody is there to be told anything."""
    sys.stderr.write("syncline agent: its driver is gone; it leaves\n")
    sys.stderr.flush()
    os._exit(3)
