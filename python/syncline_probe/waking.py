"""A thread's sleep that others put off, and that it does not wake from meanwhile.

A thread that wakes up to see that all is well has to take the interpreter's lock for that, twenty
times a second; where the service has not all of its core, that costs more than what it sees. A
timer of the kernel's is set anew without waking whoever waits for it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from typing import Any

_ABSOLUTE, _CLOSE_ON_EXEC = 1, os.O_CLOEXEC  # TFD_TIMER_ABSTIME, TFD_CLOEXEC
_CALLED_AS_C, _KEEPS_THE_LOCK = 1, 4  # FUNCFLAG_CDECL; FUNCFLAG_PYTHONAPI: it never waits
_read, _close = os.read, os.close  # a library may put others in their place


class Waking:
    """When a thread is to wake; any thread may put it off, or bring it forward."""

    def __init__(self) -> None:
        self._descriptor = -1
        self._set: Callable[[int, float], None] | None = None
        # Anything may be missing: the function, the module, the right to call it.
        with contextlib.suppress(Exception):
            self._descriptor, self._set = _timer()

    def at(self, until_s: float) -> bool:
        """Sets the time, by the monotonic clock; whether a sleeping thread hears of that."""
        set_timer = self._set  # another thread may just find that it is gone
        if set_timer is None:
            return False
        try:
            set_timer(self._descriptor, until_s)
        except OSError:  # the service has closed what it did not open
            self._set = None
            return False
        return True

    def sleep(self, until_s: float) -> None:
        """Until that time, or the one that has been set meanwhile."""
        if self.at(until_s):
            with contextlib.suppress(OSError):
                _read(self._descriptor, 8)
                return
        time.sleep(max(0.0, until_s - time.monotonic()))

    def abandon(self) -> None:
        """In a fork's child: the timer is the parent's."""
        self._set = None
        with contextlib.suppress(OSError):
            # Unless the service has closed it, and something else has got its number.
            if os.readlink(f"/proc/self/fd/{self._descriptor}") == "anon_inode:[timerfd]":  # noqa: PTH115
                _close(self._descriptor)


def _timer() -> tuple[int, Callable[[int, float], None]]:
    """A timer's descriptor, and what sets it."""
    own: Any = os  # from 3.13 on
    if hasattr(own, "timerfd_create"):
        descriptor = own.timerfd_create(time.CLOCK_MONOTONIC, flags=_CLOSE_ON_EXEC)

        def set_by_os(descriptor: int, until_s: float) -> None:
            own.timerfd_settime(descriptor, flags=_ABSOLUTE, initial=until_s)

        return descriptor, set_by_os
    if sys.maxsize <= 1 << 32:
        raise OSError  # its times may have either length
    # Not by the package ctypes: it has more than three hundred objects, which each full garbage
    # collection of the service would go through.
    import _ctypes
    from struct import Struct

    foreign: Any = _ctypes

    class Function(foreign.CFuncPtr):  # type: ignore[misc]
        _flags_ = _CALLED_AS_C | _KEEPS_THE_LOCK

    library = foreign.dlopen(None, 0)
    settime = Function(foreign.dlsym(library, "timerfd_settime"))
    times = Struct("4q").pack
    descriptor = Function(foreign.dlsym(library, "timerfd_create"))(
        time.CLOCK_MONOTONIC, _CLOSE_ON_EXEC
    )
    if descriptor < 0:
        raise OSError

    def set_by_library(descriptor: int, until_s: float) -> None:
        whole = int(until_s)
        # Integers are passed as C's int, bytes by their address.
        if settime(descriptor, _ABSOLUTE, times(0, 0, whole, int((until_s - whole) * 1e9)), None):
            raise OSError

    return descriptor, set_by_library
