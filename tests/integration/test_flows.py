"""Recorded requests, scripts of wrk and flows, sent by the command to a real server."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration import entities_servers
from tests.unit.test_wrk_script import PUT

Asked = list[tuple[str, str, str | None]]


class Shop(BaseHTTPRequestHandler):
    """Gives a token for a name, and pages only for it; remembers what it was asked."""

    protocol_version = "HTTP/1.1"
    asked: Asked

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.asked.append((self.command, self.path, self.headers.get("Authorization")))
        # One write: a second one would wait for the client's acknowledgement.
        head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self.wfile.write(head + body)

    def do_GET(self) -> None:
        known = (self.headers.get("Authorization") or "").startswith("token-")
        self._answer(200 if known or self.path.startswith("/open") else 401, "page")

    def do_POST(self) -> None:
        name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["name"]
        self._answer(201, json.dumps({"token": f"token-{name}"}))

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True


@pytest.fixture
def shop() -> Iterator[tuple[str, Asked]]:
    handler = type("AskedShop", (Shop,), {"asked": []})
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler.asked  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


def load(url: str, *words: str, code: tuple[int, ...] = (0, 3)) -> tuple[dict[str, Any], str]:
    """The result as JSON, and what was said; 3 is a machine too busy for a valid measurement."""
    program = str(Path(sys.executable).with_name("syncline"))
    argv = [program, "load", url, *words, "-q", "--json", "-"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=40, check=False)
    assert done.returncode in code, done.stdout + done.stderr
    return (json.loads(done.stdout) if done.returncode in (0, 3) else {}), done.stderr


def test_a_flow_uses_what_an_answer_told_it(shop: tuple[str, Asked], tmp_path: Path) -> None:
    url, asked = shop
    scenario = tmp_path / "scenario.py"
    scenario.write_text(
        "from syncline.flow import Flow, Step, User\n"
        "def buy(user: User) -> Flow:\n"
        "    print('on standard output')\n"
        "    answer = yield Step('/login', json={'name': user.number}, name='login')\n"
        "    token = answer.json()['token']\n"
        "    yield Step('/cart', headers={'Authorization': token}, name='cart')\n"
    )
    result, said = load(url, "--flow", f"{scenario}:buy", "-c", "4", "-t", "2", "-n", "40")
    assert result["ok"] == 40
    steps = {one["name"]: one["ok"] for one in result["by_request"]}
    # The count ends the load in the middle of a flow or two of each process.
    assert steps.keys() == {"login", "cart"}
    assert 0 <= steps["login"] - steps["cart"] <= 4
    assert result["flows"]["done"] == steps["cart"]
    assert result["started"] == result["ok"] + result["in_flight"]
    assert result["generator"]["cpu_s"] > 0
    assert "µs of CPU for each request" in said
    tokens = {token for method, _, token in asked if method == "GET"}
    assert tokens <= {f"token-{number}" for number in range(4)}


def test_flows_begin_at_their_rate_and_fail_where_a_step_does(
    shop: tuple[str, Asked], tmp_path: Path
) -> None:
    url, _ = shop
    scenario = tmp_path / "scenario.py"
    scenario.write_text(
        "from syncline.flow import Step\n"
        "def go():\n"
        "    yield Step('/secret')\n"
        "    yield Step('/open')\n"
    )
    result, _ = load(url, "--flow", f"{scenario}:go", "-R", "20", "-d", "1", "-c", "8")
    assert result["planned"] in range(10, 40)
    assert result["status_codes"].keys() == {"401"}
    assert result["flows"]["failed"] == result["failed"]
    assert result["validity"]["status"] == "invalid"


def test_the_script_of_the_key_value_test_runs_unchanged(tmp_path: Path) -> None:
    script = tmp_path / "put.lua"
    script.write_text(PUT)
    memory = entities_servers.MemoryStore()
    with entities_servers.serving("non-blocking", memory) as server:
        url = f"http://127.0.0.1:{server.port}"
        result, said = load(url, "-s", str(script), "-c", "4", "-n", "500")
    assert result["ok"] == 500, result["error_samples"]
    assert "made before" in said
    assert len(memory.data) > 450
    assert {len(key) for key in memory.data} == {3}
    assert {len(value) for value in memory.data.values()} == {300}


def test_a_script_that_reads_answers_takes_part(shop: tuple[str, Asked], tmp_path: Path) -> None:
    url, asked = shop
    script = tmp_path / "login.lua"
    script.write_text(
        "local token\n"
        "function request()\n"
        '  if token then return wrk.format("GET", "/cart", {Authorization = token}) end\n'
        """  return wrk.format("POST", "/login", nil, '{"name": "lua"}')\n"""
        "end\n"
        "function response(status, headers, body)\n"
        """  token = token or body:match('"token": "([^"]+)"')\n"""
        "end\n"
        'function done(summary) io.write("done with ", summary.requests, "\\n") end\n'
    )
    result, said = load(url, "-s", str(script), "-c", "1", "-n", "10")
    assert result["ok"] == 10
    assert "done with 10" in said
    assert [method for method, _, _ in asked] == ["POST", *["GET"] * 9]
    assert asked[-1][2] == "token-lua"


def test_a_log_is_replayed_in_its_order(shop: tuple[str, Asked], tmp_path: Path) -> None:
    url, asked = shop
    log = tmp_path / "access.log"
    log.write_text(
        "".join(
            f'h - - [10/Oct/2025:13:55:3{second} +0000] "GET /open/{second}/{n} HTTP/1.1" 200 1\n'
            for second in (0, 1, 3)
            for n in range(5)
        )
    )
    result, said = load(url, "--replay", str(log), "--replay-speed", "4x", "-c", "1")
    assert "15 requests in the log's order" in said
    assert result["planned"] == result["ok"] == 15
    assert [path for _, path, _ in asked] == [f"/open/{s}/{n}" for s in (0, 1, 3) for n in range(5)]
    # Four seconds at four times the pace, and the tail in which nothing is planned.
    assert 0.75 < result["duration_s"] < 10


def test_recorded_writes_are_not_sent_without_a_word(
    shop: tuple[str, Asked], tmp_path: Path
) -> None:
    url, asked = shop
    commands = tmp_path / "commands.sh"
    commands.write_text(
        "curl -H 'Authorization: token-x' http://elsewhere/open\n"
        """curl --json '{"name": 1}' http://elsewhere/login\n"""
    )
    _, said = load(url, "--from-curl", str(commands), code=(2,))
    assert "POST /login (1)" in said
    assert not asked
    result, said = load(url, "--from-curl", str(commands), "--reads-only", "-n", "5")
    assert result["ok"] == 5
    assert "authorization (1)" in said
    assert set(asked) == {("GET", "/open", None)}
