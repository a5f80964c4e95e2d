"""Starting a variant of a service, knowing that it is ready and that it is ours, ending it."""

from syncline.launch.command import server_argv
from syncline.launch.service import Service, start_service
from syncline.process import Workspace

__all__ = ["Service", "Workspace", "server_argv", "start_service"]
