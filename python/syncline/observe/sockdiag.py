"""The kernel's TCP sockets of one local port: by sock_diag(7), or from ``/proc/net/tcp``.

``sock_diag`` filters in the kernel and knows for how long data have been lying unread; where it
is refused, ``/proc/net/tcp`` gives the rest (proc_net(5)).
"""

from __future__ import annotations

import re
import socket
import struct
from dataclasses import dataclass

from syncline.observe import procfs

ESTABLISHED, CLOSE_WAIT, LISTEN = 1, 8, 10  # include/net/tcp_states.h

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST_DUMP = 0x301
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_ATTR_BYTECODE = 1  # INET_DIAG_REQ_BYTECODE
_ATTR_INFO = 2  # INET_DIAG_INFO
_PORT_AT_LEAST, _PORT_AT_MOST = 2, 3  # INET_DIAG_BC_S_GE, INET_DIAG_BC_S_LE
_HEADER = struct.Struct("=IHHII")  # nlmsghdr
_REQUEST = struct.Struct("=BBBBI48s")  # inet_diag_req_v2, its socket id left empty
# inet_diag_msg: family, state, timer, retrans, id, expires, rqueue, wqueue, uid, inode
_MESSAGE = struct.Struct("=BBBBHH44xIIIII")
_STEP = struct.Struct("=BBH")  # inet_diag_bc_op
_LAST_DATA_RECV = 52  # offset of tcpi_last_data_recv in tcp_info, milliseconds
_TIMEOUT_S = 1.0

_PROC_LINE = re.compile(
    rb"^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) "
    rb"[0-9A-F]{8}:([0-9A-F]{8}) \S+ \S+\s+\d+\s+\d+ (\d+)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Socket:
    """A TCP socket in the kernel's words.

    Attributes:
        unread: bytes that nobody read yet; of a listener, connections that nobody accepted yet.
        room: of a listener, how many connections its queue takes; None if not known.
        inode: 0 for a connection that was not accepted yet.
        silent_s: since when nothing came in; so unread bytes lie there at least that long.
            None if not known.
    """

    state: int
    unread: int
    room: int | None
    inode: int
    silent_s: float | None


class SockDiag:
    """Asks the kernel through a netlink socket of its own.

    Raises:
        OSError: the kernel has no ``sock_diag``, or it is refused here.
    """

    def __init__(self) -> None:
        self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
        self._netlink.settimeout(_TIMEOUT_S)
        self._sequence = 0

    def sockets(self, port: int) -> list[Socket]:
        """The sockets with that local port that are established, half-closed or listening.

        Who has a listener has its connections in the same family. Connections are looked for
        there alone: the kernel walks all of the machine's for each family that is asked for.
        """
        found: list[Socket] = []
        families = []
        for family in (socket.AF_INET, socket.AF_INET6):
            if listeners := self._dump(family, port, 1 << LISTEN):
                found += listeners
                families.append(family)
        for family in families or (socket.AF_INET, socket.AF_INET6):
            found += self._dump(family, port, 1 << ESTABLISHED | 1 << CLOSE_WAIT)
        return found

    def close(self) -> None:
        """Lets go of the socket."""
        self._netlink.close()

    def _dump(self, family: int, port: int, states: int) -> list[Socket]:
        self._sequence += 1
        ask = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (_ATTR_INFO - 1), 0, states, bytes(48))
        code = _port_is(port)
        ask += struct.pack("=HH", 4 + len(code), _ATTR_BYTECODE) + code
        head = _HEADER.pack(
            _HEADER.size + len(ask), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, self._sequence, 0
        )
        self._netlink.send(head + ask)
        found: list[Socket] = []
        while True:
            data = self._netlink.recv(1 << 18)
            at = 0
            while at + _HEADER.size <= len(data):
                size, kind, _, sequence, _ = _HEADER.unpack_from(data, at)
                if size < _HEADER.size:
                    raise OSError("a malformed answer of the kernel")
                if sequence == self._sequence:  # not what is left of a dump that timed out
                    if kind == _NLMSG_DONE:
                        return found
                    if kind == _NLMSG_ERROR:
                        number = struct.unpack_from("=i", data, at + _HEADER.size)[0]
                        raise OSError(-number, "sock_diag was refused")
                    found.append(_parsed(data[at + _HEADER.size : at + size]))
                at += (size + 3) & ~3


def proc_sockets(port: int) -> list[Socket]:
    """The same from ``/proc/net/tcp`` and ``tcp6``."""
    found = []
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in _PROC_LINE.finditer(procfs.read(path) or b""):
            if int(line[1], 16) != port:
                continue
            state = int(line[2], 16)
            if state in (ESTABLISHED, CLOSE_WAIT, LISTEN):
                found.append(Socket(state, int(line[3], 16), None, int(line[4]), None))
    return found


def _port_is(port: int) -> bytes:
    """The filter "local port = N": two comparisons, each with the port in a step of its own."""
    return b"".join(
        (
            _STEP.pack(_PORT_AT_LEAST, 8, 20),  # on no: four bytes past the end refuse it
            _STEP.pack(0, 0, port),
            _STEP.pack(_PORT_AT_MOST, 8, 12),
            _STEP.pack(0, 0, port),
        )
    )


def _parsed(message: bytes) -> Socket:
    _, state, _, _, _, _, _, unread, written, _, inode = _MESSAGE.unpack_from(message)
    silent_s = None
    at = _MESSAGE.size
    while at + 4 <= len(message):
        size, kind = struct.unpack_from("=HH", message, at)
        if size < 4:
            break
        if kind == _ATTR_INFO and size >= 4 + _LAST_DATA_RECV + 4:
            silent_s = struct.unpack_from("=I", message, at + 4 + _LAST_DATA_RECV)[0] / 1000
        at += (size + 3) & ~3
    listens = state == LISTEN
    return Socket(state, unread, written if listens else None, inode, None if listens else silent_s)
