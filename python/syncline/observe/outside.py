"""Which observers fit a service, and what cannot be seen of it, in words."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from syncline.observe.machine import Machine
from syncline.observe.observer import Observer
from syncline.observe.processes import Processes
from syncline.observe.sockets import Sockets
from syncline.observe.threads import Threads
from syncline.observe.tree import Tree
from syncline.outcome import Observation


@dataclass(frozen=True, slots=True)
class Outside:
    """Observers of a service, and notes on what they will not see."""

    observers: tuple[Observer, ...]
    notes: tuple[Observation, ...] = ()


def outside(url: str, pids: Callable[[], tuple[int, ...]] | None) -> Outside:
    """What can be seen from outside of the service at a URL.

    Args:
        url: its address; a Unix socket has no port whose queue could be seen.
        pids: its processes; None if it was not started by Syncline.
    """
    observers: list[Observer] = [Machine()]
    notes = []
    if pids is None:
        text = "Syncline did not start the service, so its processes are not seen."
        notes.append(Observation("process", "note", text))
    else:
        tree = Tree(pids)
        observers += [Processes(tree), Threads(tree)]
    port = _local_port(url)
    if port is None:
        text = "The service has no TCP port on this machine, so its sockets are not seen."
        notes.append(Observation("sockets", "note", text))
    else:
        observers.append(Sockets(port))
    return Outside(tuple(observers), tuple(notes))


def _local_port(url: str) -> int | None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not _is_ours(parts.hostname):
        return None
    return parts.port or (443 if parts.scheme == "https" else 80)


def _is_ours(host: str) -> bool:
    """Whether the name is an address of this machine: one that can be bound here."""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    for family, kind, _, _, address in found:
        if ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback:
            return True
        try:
            with socket.socket(family, kind) as probe:
                probe.bind(address)
        except OSError:
            continue
        return True
    return False
