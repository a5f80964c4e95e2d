"""Guards one child: runs as a script, ``python -I -S guard.py FD``, standard library only.

FD is a connected stream socket. The guard reads one JSON line from it (the specification,
written by ``child.py``), starts the child, and answers in JSON lines::

    {"event": "started", "pid": …}     or     {"event": "failed", "text": …}
    {"event": "log-lost", "text": …}   once output could not be written into its log: why
    {"event": "exit", "status": …}     once the child itself has ended; negative for a signal
    {"event": "done"}                  once nothing of the child's tree is left

A line ``{"signal": …, "grace_s": …}`` tells it to end the tree; so does the other end's
closing, in whatever way the process there came to its end, and so does that process's death.

Invariants. The guard is a child subreaper, so every descendant that loses its parent becomes
a child of the guard: the tree is empty exactly when ``waitpid`` says ECHILD, however often
a descendant forked, changed its session or its process group. The guard has one thread, so
that the child's parent-death signal, which belongs to the parent's *thread*, means the guard.
The child's output is always read, so that the child never waits for it.
Rejected: a parent-death signal from Syncline itself: it fires when the thread that started
the child ends, and reaches no grandchild. And pathlib: it doubles the time to start.
"""

# ruff: noqa: PTH118, PTH123, PTH208

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # meant for the terminal's group
KILL_LIMIT_S = 10.0  # after SIGKILL; only a process stuck in the kernel outlasts it
STRAY_GRACE_S = 0.5  # for descendants that outlive the child: told once, then killed


class Log:
    """The first ``head`` bytes of the output in ``path``, the newest ``tail`` in ``path.ring``.

    The ring's file: the number of bytes that ever went into it (8, little-endian), then the
    ring itself. A full disk costs output, never the child's progress, and is told once.
    """

    def __init__(self, path: str, head: int, tail: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self.head, self.room = os.open(path, flags, 0o600), head
        self.ring, self.size, self.total = os.open(path + ".ring", flags, 0o600), tail, 0

    def write(self, data: bytes) -> str:
        """Why output was lost, if it was."""
        try:
            while data and self.room > 0:
                written = os.write(self.head, data[: self.room])
                self.room, data = self.room - written, data[written:]
            while data:
                at = self.total % self.size
                written = os.pwrite(self.ring, data[: self.size - at], 8 + at)
                self.total, data = self.total + written, data[written:]
                os.pwrite(self.ring, self.total.to_bytes(8, "little"), 0)
        except OSError as error:
            return error.strerror or str(error)
        return ""


class Guard:
    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.received = b""
        self.spec = json.loads(self.read_line())
        self.log = Log(self.spec["log"], self.spec["log_head_bytes"], self.spec["log_tail_bytes"])
        self.lost = False
        self.child = 0
        self.status: int | None = None
        self.stop_signal: int = self.spec["stop_signal"]
        self.deadline = float("inf")  # of the child's grace, once it is to end
        # Its writing end stays open here, too, so that it never ends and needs no end's care.
        self.output, self.output_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self.output, False)
        self.wake, wake_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        self.poller = select.poll()
        for fd in (self.control.fileno(), self.output, self.wake):
            self.poller.register(fd, select.POLLIN)
        # The socket alone would miss the end of a Syncline that forked: the copy keeps it. That
        # it is dead already the next line sees; an old kernel has to do with the socket.
        with contextlib.suppress(AttributeError, OSError):
            self.poller.register(os.pidfd_open(self.spec["parent"]), select.POLLIN)
        self.orphaned = os.getppid() != self.spec["parent"]

    def run(self) -> None:
        try:
            self.child = self.start()
        except OSError as error:
            self.say(event="failed", text=error.strerror or str(error))
            self.clean_up()
            return
        self.say(event="started", pid=self.child)
        while self.deadline == float("inf") and not self.orphaned:
            self.turn(None)
        self.end_tree()
        self.clean_up()
        self.say(event="done")

    def start(self) -> int:
        """Forks and executes the child; its pid. OSError if it could not be executed."""
        argv = list(map(encode, self.spec["argv"]))
        env = {encode(name): encode(value) for name, value in self.spec["env"].items()}
        prctl = ctypes.CDLL(None).prctl
        guard = os.getpid()
        report, report_end = os.pipe2(os.O_CLOEXEC)
        if (pid := os.fork()) == 0:
            try:
                self.become()
                # After the change of user, which would undo it. If the guard died before this
                # line no signal will come, but then the parent is another one already.
                prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                if os.getppid() == guard:
                    os.execvpe(argv[0], argv, env)  # noqa: S606
            except OSError as error:
                os.write(report_end, json.dumps([error.errno, error.strerror]).encode())
            finally:
                os._exit(127)
        os.close(report_end)
        with open(report, "rb") as stream:
            failure = stream.read()
        if failure:
            os.waitpid(pid, 0)
            raise OSError(*json.loads(failure))
        return pid

    def become(self) -> None:
        """Makes this forked process what the specification says, short of executing."""
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(self.output_end, 1)
        os.dup2(self.output_end, 2)
        signal.set_wakeup_fd(-1)
        for number in (*IGNORED, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        if self.spec["cpus"]:
            os.sched_setaffinity(0, self.spec["cpus"])
        if self.spec["uid"] is not None:
            os.setgroups([])
            os.setresgid(*[self.spec["gid"]] * 3)
            os.setresuid(*[self.spec["uid"]] * 3)
        os.umask(self.spec["umask"])
        os.chdir(encode(self.spec["cwd"]))

    def turn(self, timeout_s: float | None) -> None:
        """Waits at most so long, then handles what came."""
        timeout_ms = None if timeout_s is None else max(0, int(timeout_s * 1000) + 1)
        for fd, _ in self.poller.poll(timeout_ms):
            if fd == self.output:
                self.copy_output()
            elif fd == self.wake:
                os.read(self.wake, 4096)
                self.reap()
            elif fd == self.control.fileno() and (line := self.read_line()):
                order = json.loads(line)
                self.stop_signal = order["signal"]
                self.deadline = min(self.deadline, time.monotonic() + order["grace_s"])
            else:
                self.orphaned = True
                limit = time.monotonic() + self.spec["orphan_grace_s"]
                self.deadline = min(self.deadline, limit)
                self.poller.unregister(fd)

    def read_line(self) -> bytes:
        while b"\n" not in self.received:
            try:
                data = self.control.recv(65536)
            except OSError:
                data = b""
            if not data:
                return b""
            self.received += data
        line, self.received = self.received.split(b"\n", 1)
        return line

    def say(self, **message: object) -> None:
        try:
            self.control.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.orphaned = True

    def copy_output(self) -> None:
        for _ in range(16):  # at most 1 MiB a turn, so that an order is never long unheard
            try:
                data = os.read(self.output, 65536)
            except BlockingIOError:
                return
            lost = self.log.write(data)
            if lost and not self.lost:
                self.lost = True
                self.say(event="log-lost", text=lost)

    def reap(self) -> bool:
        """Collects the dead; whether any descendant is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.child and self.status is None:
                self.status = os.waitstatus_to_exitcode(status)
                self.copy_output()  # its last words come before its end
                self.say(event="exit", status=self.status)

    def end_tree(self) -> None:
        if self.deadline == float("inf"):
            self.deadline = time.monotonic() + self.spec["orphan_grace_s"]
        if self.status is None:
            send(self.child, self.stop_signal)  # it alone: it may lead workers that it ends
            while self.reap() and self.status is None and time.monotonic() < self.deadline:
                self.turn(self.deadline - time.monotonic())
        if self.status is not None and self.reap():
            for pid in descendants():
                send(pid, signal.SIGTERM)
            limit = time.monotonic() + STRAY_GRACE_S
            while self.reap() and time.monotonic() < limit:
                self.turn(limit - time.monotonic())
        limit = time.monotonic() + KILL_LIMIT_S
        while self.reap() and time.monotonic() < limit:
            for pid in descendants():
                send(pid, signal.SIGKILL)
            self.turn(0.02)  # and again: one of them may have forked meanwhile
        self.copy_output()

    def clean_up(self) -> None:
        for path in self.spec["cleanup"]:
            remove(path)
        if self.orphaned:
            remove_if_last(self.spec["workspace"], self.spec["lock"])


def descendants() -> list[int]:
    """Every process below this one, from /proc."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as stream:
                parent = stream.read().rpartition(b")")[2].split()[1]
        except OSError:
            continue
        children.setdefault(int(parent), []).append(int(name))
    found = [os.getpid()]
    for pid in found:  # which grows meanwhile
        found += children.get(pid, [])
    return found[1:]


def send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
        os.kill(pid, signal.SIGCONT)  # a stopped process would not see it


def remove_if_last(workspace: str, lock: int) -> None:
    """Removes the run's directory if neither Syncline nor another guard holds its lock.

    All of them share one open file, so each lets go of it before it asks.
    """
    os.close(lock)
    try:
        own = os.open(os.path.join(workspace, "lock"), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    remove(workspace)


def remove(path: str) -> None:
    import shutil  # late: it takes as long to import as the half of all others

    shutil.rmtree(path, ignore_errors=True)


def encode(text: str) -> bytes:
    """The bytes that ``child.py`` had, whatever locale either process has."""
    return text.encode("utf-8", "surrogateescape")


def main() -> None:
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.umask(0o077)
    for fd in map(int, sys.argv[1:]):  # the socket and the workspace's lock: not the child's
        os.set_inheritable(fd, False)
    Guard(socket.socket(fileno=int(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
