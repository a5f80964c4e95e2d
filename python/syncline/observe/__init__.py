"""Observers from outside: the service's processes and sockets, its databases, the machine.

A :class:`Watcher` samples them while a load runs. Each stands alone: one that fails is removed
and said, the others go on. What the service's own interpreter tells comes from ``probe``.
"""

from syncline.observe.derive import derive
from syncline.observe.mariadb import MariaDb
from syncline.observe.observer import APPLICATION, Blind, Observer
from syncline.observe.others import others_share
from syncline.observe.outside import Outside, outside
from syncline.observe.postgres import Postgres
from syncline.observe.servers import Server
from syncline.observe.tree import Tree
from syncline.observe.valkey import Valkey
from syncline.observe.watcher import Watched, Watcher

__all__ = [
    "APPLICATION",
    "Blind",
    "MariaDb",
    "Observer",
    "Outside",
    "Postgres",
    "Server",
    "Tree",
    "Valkey",
    "Watched",
    "Watcher",
    "derive",
    "others_share",
    "outside",
]
