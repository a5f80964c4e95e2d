"""Every error that Syncline raises on purpose, in one tree.

A message says what is wrong, where, and what to do about it; the command line prints it
as it stands and leaves with ``exit_code``. Foreign errors are translated at the seam where
the foreign library is called, never later.
"""


class SynclineError(Exception):
    """Base of all errors that a user can cause or must know of.

    Attributes:
        exit_code: what the command line returns; see "Exit codes" in docs/architecture.md.
    """

    exit_code = 2


class UsageError(SynclineError):
    """The command or a value in it is wrong: unknown name, malformed option."""


class PlanError(UsageError):
    """A load plan (or another value read from JSON) cannot be what was meant."""


class EnvironmentLackError(SynclineError):
    """The machine lacks something: a program, a permission, disk space, a free port."""


class StoreError(SynclineError):
    """The store cannot be read or written; earlier trials are whole."""


class MeasurementError(SynclineError):
    """What was asked cannot be measured now: the service did not start, died, or was not ours."""

    exit_code = 3


class ServiceStartError(MeasurementError):
    """The service under test, or a back end of it, did not become ready."""
