"""Scripts of wrk run unchanged, and can neither reach out nor run for ever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from syncline.errors import UsageError
from syncline.flow import Response, Scenario, User
from syncline.flow import wrk as wrk_module
from syncline.flow.wrk import Script, open_script, parsed
from syncline.plan import Plan, Request
from tests.unit import factories as make

PLAN = Plan("http://127.0.0.1:8080", requests=(Request("/from-url"),))
Open = Callable[..., Script]

# As people write it for a key-value store.
PUT = """
local letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
local function random_text(length)
  local text = {}
  for i = 1, length do
    local at = math.random(1, #letters)
    text[i] = letters:sub(at, at)
  end
  return table.concat(text)
end
request = function()
  local path = "/v0/entity?id=" .. random_text(3)
  local body = random_text(300)
  return wrk.format("PUT", path, nil, body)
end
"""


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    def open_(text: str, *arguments: str) -> Script:
        path = tmp_path / "script.lua"
        path.write_text(text)
        return open_script(Scenario("wrk", str(path), "", arguments), PLAN)

    return open_


def test_a_script_that_only_sets_fields_sends_the_same_request(opened: Open) -> None:
    script = opened('wrk.method = "POST"; wrk.body = "a=1"; wrk.headers["X-A"] = "b"')
    assert script.way == "static"
    (request,) = script.sample(1)
    assert (request.method, request.path, request.body) == ("POST", "/from-url", "a=1")
    assert request.headers == (("X-A", "b"),)


def test_the_script_of_the_key_value_test_makes_different_requests(opened: Open) -> None:
    script = opened(PUT)
    assert script.way == "sampled"
    found = script.sample(100)
    assert {request.method for request in found} == {"PUT"}
    assert len({request.path for request in found}) > 90
    assert {len(request.path) for request in found} == {len("/v0/entity?id=abc")}
    assert {len(request.body or "") for request in found} == {300}
    assert script.sample(1) != opened(PUT).sample(1), "it went on where it was"
    assert opened(PUT).sample(5) == opened(PUT).sample(5), "the seed fixes them"


def test_init_gets_the_arguments_and_setup_the_thread(opened: Open) -> None:
    script = opened(
        'function setup(thread) thread:set("n", 7) end\n'
        "function init(args) wrk.path = args[0] .. args[1] .. n .. #args end",
        "/a",
        "b",
    )
    assert script.sample(1)[0].path == "/ab71"


def test_a_script_that_looks_at_answers_runs_as_a_flow(opened: Open) -> None:
    script = opened(
        'local token = "none"\n'
        'request = function() return wrk.format("GET", "/" .. token) end\n'
        "function delay() return 20 end\n"
        "function response(status, headers, body)\n"
        '  token = headers["X-Token"] .. status .. body; wrk.thread:stop()\n'
        "end"
    )
    assert script.way == "flow"
    user = User(0, Random(1))
    flow = script.flow(user)
    step = next(flow)
    assert (step.path, step.pause_s) == ("/none", 0.02)
    with pytest.raises(StopIteration):
        flow.send(Response(200, (("X-Token", "t"),), b"!", 0.1))
    assert next(script.flow(user)).path == "/t200!"
    assert user.done


def test_done_is_told_what_came_and_may_print(opened: Open) -> None:
    script = opened(
        "function done(summary, latency, requests)\n"
        '  io.write(summary.requests, " ", latency:percentile(50) > 0 and latency.max > 0, "\\n")\n'
        "end"
    )
    result = make.load_result()
    script.done(result)
    assert script.written() == f"{result.ok} true\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("io.open('/etc/passwd')", "io.open is not in the sandbox"),
        ("os.execute('true')", "os.execute is not in the sandbox"),
        ("require('ffi')", "require is not in the sandbox"),
        ("loadstring('return 1')", "loadstring is not in the sandbox"),
        ("local a = python.eval", "'python'"),
        ("local a = debug.sethook", "'debug'"),
        ("local a = package.loaded", "'package'"),
        ("local s = 'a' while true do s = s .. s end", "more than 256 MB"),
        ("request = function() return 7 end", "must return a string"),
        ("request = function() return 'hello' end", "begins no request"),
        ("this is no Lua", "script.lua:1:"),
    ],
)
def test_the_sandbox_holds_and_says_what_was_wrong(opened: Open, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        opened(text).sample(1)


@pytest.mark.parametrize("loop", ["while true do end", "while true do pcall(error) end"])
def test_a_script_that_never_ends_is_ended(
    opened: Open, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrk_module, "_MOST_MILLIONS", 2)
    with pytest.raises(UsageError, match="too long"):
        opened(loop)


def test_pipelined_requests_are_taken_apart_and_bytes_survive() -> None:
    wire = b"PUT /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n\xff\x00GET /b HTTP/1.1\r\nX: y\r\n\r\n"
    first, second = parsed(wire, "f.lua")
    assert (first.body or "").encode("latin-1") == b"\xff\x00"
    assert (second.path, second.body, second.headers) == ("/b", None, (("X", "y"),))
