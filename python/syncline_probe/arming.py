"""Arming the probe in a process, and again in each process forked from it."""

from __future__ import annotations

import os
import warnings

from syncline_probe.sampler import Sampler

_sampler: Sampler | None = None


def arm_from_environment() -> bool:
    """Starts the sampler if ``SYNCLINE_PROBE_SOCKET`` is set and none runs; whether it did."""
    global _sampler
    path = os.environ.get("SYNCLINE_PROBE_SOCKET", "")
    if not path or _sampler is not None:
        return False
    _sampler = Sampler(path, os.environ.get("SYNCLINE_PROBE_NONCE", ""))
    _sampler.install_hooks()
    # From 3.12 on a fork beside any thread is warned of; a service that takes warnings for
    # errors must not fail over our thread, which a fork waits for and leaves without a lock.
    warnings.filterwarnings(
        "ignore", message=r".*use of (fork|forkpty)\(\) may lead", category=DeprecationWarning
    )
    os.register_at_fork(
        before=_sampler.pause,
        after_in_parent=_sampler.resume,
        after_in_child=_sampler.restart_in_child,
    )
    _sampler.start()
    return True
