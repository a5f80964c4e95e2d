"""Every allocation over some seconds, by memray where the service can import it.

The only module of the probe that imports more than the standard library: on request, in a
trial of which no figure is reported.
"""

from __future__ import annotations

from typing import Any


class AllocationTracker:
    """Records all allocations of all threads into a file, from :meth:`start` to :meth:`end`.

    Objects are told apart: Python's own allocator is recorded, not only the arenas that it
    gets from the system.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._tracker: Any = None

    def start(self) -> None:
        """Begins.

        Raises:
            ImportError: memray cannot be imported in the service.
            RuntimeError: the service is tracked already.
        """
        import memray

        self._tracker = memray.Tracker(
            destination=memray.FileDestination(self._path, overwrite=True, compress_on_exit=False),
            trace_python_allocators=True,
        )
        self._tracker.__enter__()

    def end(self) -> None:
        """Ends, with the file complete."""
        self._tracker.__exit__(None, None, None)
