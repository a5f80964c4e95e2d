"""Starting a variant of a service, knowing that it is ready and that it is ours, ending it."""

from syncline.launch.command import CALL, server_argv
from syncline.launch.external import External, find_service
from syncline.launch.interviewed import AppFacts, interview
from syncline.launch.service import Service, service_env, start_service
from syncline.process import Workspace

__all__ = [
    "CALL",
    "AppFacts",
    "External",
    "Service",
    "Workspace",
    "find_service",
    "interview",
    "server_argv",
    "service_env",
    "start_service",
]
