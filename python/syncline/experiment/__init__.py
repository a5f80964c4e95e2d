"""Trials run in order: back ends and services started, loads sent, outcomes kept.

The only room that composes the effects; everything it uses comes in as a value of
:class:`Tools`, so that it can be tried without a machine.
"""

from syncline.experiment.environment import describe_environment
from syncline.experiment.run import run_experiment, run_search
from syncline.experiment.tools import Tools

__all__ = ["Tools", "describe_environment", "run_experiment", "run_search"]
