"""Children, their ports and their files: what Syncline starts ends with Syncline.

The lowest room of the effects: ``launch`` and ``backends`` stand on it.
"""

from syncline.process.account import Account, can_reach, unprivileged
from syncline.process.child import Child, spawn
from syncline.process.sockets import check_port_free, free_port, listening_ports
from syncline.process.spec import ChildSpec
from syncline.process.workspace import Workspace, lack

__all__ = [
    "Account",
    "Child",
    "ChildSpec",
    "Workspace",
    "can_reach",
    "check_port_free",
    "free_port",
    "lack",
    "listening_ports",
    "spawn",
    "unprivileged",
]
