"""Loads within tests: what a test asks, what it gets, and one report for all of them.

The plugin :mod:`syncline.pytest_plugin` hands these out as fixtures; see docs/pytest.md.
"""

from syncline.testing.asked import Defaults, Target
from syncline.testing.result import Findings, InvalidMeasurementWarning, Result
from syncline.testing.runner import Loader

__all__ = [
    "Defaults",
    "Findings",
    "InvalidMeasurementWarning",
    "Loader",
    "Result",
    "Target",
]
