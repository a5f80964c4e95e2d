"""What was acknowledged is there after the server was killed under load."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.entities_servers import started
from tests.integration.raw_http import RawClient

CLIENTS = 8
KEYS = 50  # of each client, so that keys are overwritten, too


class Writer(threading.Thread):
    """Puts numbered values until the server is gone.

    Attributes:
        acknowledged: by key, the number that was last acknowledged.
        unsure: the key and number that were sent and not answered.
    """

    def __init__(self, port: int, name: str, first: int, on_answer: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._port, self._name, self._next, self._on_answer = port, name, first, on_answer
        self.acknowledged: dict[str, int] = {}
        self.unsure: tuple[str, int] | None = None

    def run(self) -> None:
        try:
            with RawClient(self._port) as client:
                while True:
                    self._put(client, f"{self._name}-{self._next % KEYS}", self._next)
                    self._next += 1
        except (OSError, AssertionError, ValueError):
            return  # killed, perhaps in the middle of an answer

    def _put(self, client: RawClient, key: str, number: int) -> None:
        value = value_of(number)
        self.unsure = (key, number)
        head = (
            f"PUT /v0/entity?id={key} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(value)}\r\n\r\n"
        )
        client.send(head.encode() + value)
        if client.answer().status == 201:
            self.acknowledged[key] = number
            self.unsure = None
            self._on_answer()


def value_of(number: int) -> bytes:
    return b"%d " % number * 50


def lost(writers: list[Writer], port: int) -> list[str]:
    """Keys whose value is older than what was acknowledged, or none that was ever sent."""
    found = []
    with RawClient(port) as client:
        for writer in writers:
            for key, number in writer.acknowledged.items():
                good = [value_of(number)]
                if writer.unsure is not None and writer.unsure[0] == key:
                    good.append(value_of(writer.unsure[1]))
                if client.get(f"/v0/entity?id={key}").body not in good:
                    found.append(key)
    return found


def write_until_killed(
    arguments: tuple[str, ...], answers: int, round_number: int, code: str | None = None
) -> list[Writer]:
    """Kills the server after so many acknowledgements, with requests under way."""
    enough = threading.Semaphore(0)
    with started(*arguments, code=code) as (process, port):
        writers = [
            Writer(port, f"w{number}", round_number * 1_000_000 + 1, enough.release)
            for number in range(CLIENTS)
        ]
        for writer in writers:
            writer.start()
        for _ in range(answers):
            assert enough.acquire(timeout=60)
        process.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.join(20)
            assert not writer.is_alive()
        assert process.wait(20) == -signal.SIGKILL
    assert sum(len(writer.acknowledged) for writer in writers) > 0
    return writers


@pytest.mark.parametrize("store", ["rocksdb", "lmdb"])
@pytest.mark.parametrize(
    "options",
    [(), ("--threads", "4"), ("--threads", "1", "--durability", "group-commit")],
    ids=["blocking", "non-blocking", "group-commit"],
)
def test_every_acknowledged_put_is_there_after_a_kill(
    store: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    chance = random.Random(f"{store} {options}")
    arguments = (*options, "--store", store, "--data", str(tmp_path))
    for round_number in range(1, 4):
        writers = write_until_killed(arguments, chance.randint(20, 2000), round_number)
        with started(*arguments) as (_, port):
            assert lost(writers, port) == []


FORGETFUL = """
import sys
from syncline_cases.entities import __main__ as program
from syncline_cases.entities.store import Store

def open_store(name, folder, *, sync):
    data = {}
    return Store(data.get, data.__setitem__, data.pop, data.update, lambda: None)

program.open_store = open_store
sys.exit(program.main())
"""


def test_a_server_that_acknowledges_too_early_is_caught(tmp_path: Path) -> None:
    arguments = ("--data", str(tmp_path))
    writers = write_until_killed(arguments, 200, 1, code=FORGETFUL)
    with started(*arguments) as (_, port):
        assert len(lost(writers, port)) == sum(len(writer.acknowledged) for writer in writers)
