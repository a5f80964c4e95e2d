"""Starting a variant of a service, knowing that it is ready and that it is ours, ending it."""

from syncline.launch.command import server_argv
from syncline.launch.service import Service, start_service

__all__ = ["Service", "server_argv", "start_service"]
