"""A connection to a Ray cluster: the user's, or a private one that ends with the run.

A user's cluster is a guest house: actors and their placement group carry a namespace of this run,
take the cores that were asked for, are not detached, and are released at the end; Ray releases
them itself when the driver dies. ``ray stop`` is never called: it ends every Ray of the machine.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncline.agents import access
from syncline.agents.work import Work
from syncline.errors import EnvironmentLackError, MeasurementError, UsageError

_ADDRESS = re.compile(r"(?P<client>ray://)?(?P<host>\[[^\]]+\]|[^:/\s]+):(?P<port>\d{1,5})")
_REACH_S = 5.0
_TEMPORARY = "/tmp"  # noqa: S108 - as short as can be, see below
_PREFIX = "syncline-ray-"
_STORE_BYTES = 80 * 1024 * 1024  # the least that Ray takes; plans and results are far smaller


@dataclass(frozen=True, slots=True)
class Place:
    """Where agents are to run.

    Attributes:
        on: ``ray`` for a private cluster on this machine; ``ray://HOST:PORT`` for Ray's client
            port of a cluster; ``HOST:PORT`` from a machine that is itself a node of the cluster.
        agents: how many.
        insecure: whether a cluster without token authentication is used all the same.
        wait_s: how long agents may take to be placed.
    """

    on: str = "ray"
    agents: int = 1
    insecure: bool = False
    wait_s: float = 60.0

    def __post_init__(self) -> None:
        if self.on != "ray" and _ADDRESS.fullmatch(self.on) is None:
            raise UsageError(
                f"--on {self.on}: write local, ray, ray://HOST:PORT, or HOST:PORT of a cluster "
                "that this machine is a node of."
            )
        if self.agents < 1:
            raise UsageError(f"--agents {self.agents}: at least one is needed.")


class Cluster:
    """Places for agents on a cluster that is connected."""

    def __init__(self, place: Place, cores: int) -> None:
        import ray

        self._ray: Any = ray
        self._place = place
        self._group = ray.util.placement_group([{"CPU": cores}] * place.agents, strategy="SPREAD")
        if not self._group.wait(timeout_seconds=place.wait_s):
            free = ray.available_resources().get("CPU", 0)
            nodes = sum(1 for node in ray.nodes() if node["Alive"])
            self.release()
            raise MeasurementError(
                f"{place.agents} agents with {cores} core{'s' * (cores > 1)} each found no place "
                f"within {place.wait_s:.0f} s: the cluster has {nodes} nodes and {free:.0f} cores "
                "free. Add nodes, or ask for fewer agents."
            )
        self._cores = cores

    def start(self, number: int) -> Any:
        """A new agent in its place; it may not be there yet."""
        strategy = self._ray.util.scheduling_strategies.PlacementGroupSchedulingStrategy(
            self._group, placement_group_bundle_index=number
        )
        remote = self._ray.remote(Work)
        return remote.options(
            num_cpus=self._cores, max_restarts=0, max_task_retries=0, scheduling_strategy=strategy
        ).remote(number)

    def ended(self, error: BaseException) -> bool:
        """Whether an error says that an agent is no more."""
        return isinstance(error, self._ray.exceptions.RayActorError)

    def ask(self, call: Any, timeout_s: float) -> Any:
        """The answer to a call.

        Raises:
            MeasurementError: none came, or the agent is gone.
        """
        try:
            return self._ray.get(call, timeout=timeout_s)
        except self._ray.exceptions.GetTimeoutError:
            raise MeasurementError(f"an agent did not answer within {timeout_s:.0f} s") from None
        except self._ray.exceptions.RayError as error:
            raise MeasurementError(_why(error)) from None

    def ready(self, calls: list[Any], timeout_s: float) -> list[Any]:
        """Those of the calls that were answered, waiting that long for one."""
        found, _ = self._ray.wait(calls, num_returns=1, timeout=timeout_s)
        if found:
            found, _ = self._ray.wait(calls, num_returns=len(calls), timeout=0)
        return list(found)

    def end(self, agent: Any) -> None:
        """Ends an agent; one that is gone already is as good."""
        with contextlib.suppress(self._ray.exceptions.RayError, ValueError):
            self._ray.kill(agent, no_restart=True)

    def release(self) -> None:
        """Gives the places back."""
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.util.remove_placement_group(self._group)


@contextlib.contextmanager
def connect(place: Place, cores: int) -> Iterator[Cluster]:
    """A connection that ends with the block; a private cluster ends with it.

    Args:
        cores: how many each agent takes of its node.

    Raises:
        EnvironmentLackError: Ray is missing, too old, or does not start.
        UsageError: there is no cluster at the address, or it is open to everyone.
        MeasurementError: there is no place for the agents.
    """
    private = place.on == "ray"
    if private:
        variables = access.own_token()
    elif place.insecure:
        variables = access.no_token()
    else:
        variables = access.users_token()
    with access.environment(variables):
        access.check_ray()
        import ray

        if ray.is_initialized():
            raise UsageError("This process is connected to Ray already; end that connection first.")
        opened = _private(place, cores) if private else _users(place)
        with opened:
            cluster = Cluster(place, cores)
            try:
                yield cluster
            finally:
                cluster.release()


@contextlib.contextmanager
def _private(place: Place, cores: int) -> Iterator[None]:
    import ray

    _sweep()
    # Short, since the paths of Unix sockets below it may have 107 characters.
    directory = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_TEMPORARY)
    try:
        try:
            with _own_signals():
                ray.init(
                    num_cpus=place.agents * cores,
                    num_gpus=0,
                    include_dashboard=False,
                    object_store_memory=_STORE_BYTES,
                    _node_ip_address="127.0.0.1",
                    _temp_dir=directory,
                    **_common(),
                )
        except Exception as error:  # noqa: BLE001 - Ray's start-up raises whatever it meets
            raise EnvironmentLackError(f"Ray did not start here: {_why(error)}") from None
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(directory, ignore_errors=True)


def _sweep() -> None:
    """Removes what private clusters of killed runs left: no process could do it then."""
    for found in Path(_TEMPORARY).glob(f"{_PREFIX}*-*"):
        owner = found.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            with contextlib.suppress(OSError):
                if found.lstat().st_uid == os.getuid() and not found.is_symlink():
                    shutil.rmtree(found, ignore_errors=True)


@contextlib.contextmanager
def _users(place: Place) -> Iterator[None]:
    import ray

    _check_reachable(place.on)
    try:
        try:
            with _own_signals():
                ray.init(address=place.on, **_common())
        except Exception as error:  # noqa: BLE001 - as above
            raise UsageError(f"--on {place.on}: no connection to Ray: {_why(error)}") from None
        yield
    finally:
        ray.shutdown()


def _common() -> dict[str, Any]:
    return {
        "namespace": f"syncline-{secrets.token_hex(6)}",
        "log_to_driver": False,
        "logging_level": logging.ERROR,
    }


def _check_reachable(address: str) -> None:
    """Refuses quickly what Ray would wait a minute for."""
    found = _ADDRESS.fullmatch(address)
    assert found is not None, "Place has checked it"  # noqa: S101
    host, port = found["host"].strip("[]"), int(found["port"])
    try:
        socket.create_connection((host, port), timeout=_REACH_S).close()
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"--on {address}: nothing answers there ({getattr(error, 'strerror', None) or error}). "
            "Ray's client port is 10001, a head node's own 6379, unless set otherwise."
        ) from None


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Ray takes SIGTERM for itself; it is given back to who had it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


def _why(error: BaseException) -> str:
    """One line of a Ray error, which come with pages of advice."""
    text = str(error)
    if "No module named 'syncline" in text:
        return "a node has no Syncline: pip install 'syncline[ray]' on every node"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
