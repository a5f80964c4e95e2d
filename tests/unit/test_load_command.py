"""``syncline load``: options become a plan, what came becomes text, files and an exit code."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from syncline import engine
from syncline.cli import load as load_module
from syncline.cli.load import load
from syncline.errors import SynclineError
from syncline.outcome import LoadResult, Progress, Silence
from syncline.plan import ClosedLoop, OpenLoop, Phase, Plan
from tests.unit import factories as make

URL = "http://127.0.0.1:8080/users"


class FakeEngine:
    """Keeps the plan it was given and returns, or raises, what it was told to."""

    def __init__(self, result: LoadResult | BaseException) -> None:
        self.result = result
        self.plans: list[Plan] = []

    def __call__(
        self, plan: Plan, on_progress: Callable[[Progress], None] | None = None
    ) -> LoadResult:
        self.plans.append(plan)
        if on_progress is not None:
            on_progress(make.progress())
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    fake = FakeEngine(make.load_result())
    monkeypatch.setattr(engine, "load", fake)
    return fake


def run(*words: str) -> Result:
    return CliRunner().invoke(load, [*words])


def planned(fake: FakeEngine, *words: str) -> Plan:
    done = run(URL, *words)
    assert done.exit_code == 0, done.output + repr(done.exception)
    return fake.plans[-1]


def refused(*words: str) -> str:
    done = run(*words)
    if isinstance(done.exception, SynclineError):
        assert done.exception.exit_code == 2
        return str(done.exception)
    assert done.exit_code == 2, done.output
    return done.output


def test_the_plain_command_is_a_closed_loop_of_ten_seconds(fake: FakeEngine) -> None:
    plan = planned(fake)
    assert plan.target == "http://127.0.0.1:8080"
    assert plan.requests[0].path == "/users"
    assert plan.schedule == ClosedLoop()
    assert (plan.duration_s, plan.connections, plan.threads) == (10.0, 10, 1)


def test_warm_up_is_added_to_the_measured_time(fake: FakeEngine) -> None:
    plan = planned(fake, "-d", "1m", "--warmup", "5")
    assert (plan.duration_s, plan.warmup_s) == (65.0, 5.0)


def test_a_number_of_requests_alone_sets_no_duration(fake: FakeEngine) -> None:
    plan = planned(fake, "-n", "500")
    assert (plan.duration_s, plan.request_count) == (None, 500)


def test_a_rate_is_an_open_loop(fake: FakeEngine) -> None:
    plan = planned(fake, "-R", "1.5k", "--poisson")
    assert plan.schedule == OpenLoop((Phase(1.0, 1500.0, 1500.0),), arrivals="poisson")


def test_a_ramp_lasts_as_long_as_the_load_and_is_warmed_up_at_its_start(fake: FakeEngine) -> None:
    plan = planned(fake, "-R", "100..1000", "-d", "20", "--warmup", "2")
    assert plan.schedule == OpenLoop((Phase(2.0, 100.0, 100.0), Phase(20.0, 100.0, 1000.0)))
    assert plan.duration_s == 22.0


def test_stages_set_the_duration(fake: FakeEngine) -> None:
    plan = planned(fake, "--stages", "10s:100,30s:100..1000,5:0")
    assert plan.duration_s == 45.0
    assert plan.schedule == OpenLoop(
        (Phase(10.0, 100.0, 100.0), Phase(30.0, 100.0, 1000.0), Phase(5.0, 0.0, 0.0))
    )


def test_redirects_names_and_processors_are_set(fake: FakeEngine) -> None:
    cpu = min(os.sched_getaffinity(0))
    plan = planned(fake, "--redirects", "3", "--sni", "books.test", "--pin-cpus", str(cpu))
    assert (plan.max_redirects, plan.tls.server_name, plan.pin_cpus) == (3, "books.test", (cpu,))


def test_a_processor_that_cannot_be_used_is_refused() -> None:
    assert "processor 99999 cannot be used" in refused(URL, "--pin-cpus", "99999")
    assert "no list of processors" in refused(URL, "--pin-cpus", "first")


def test_a_body_makes_it_a_post_and_headers_stand_in_order(fake: FakeEngine) -> None:
    (request,) = planned(fake, "-b", "{{string:300}}", "-H", "A: 1", "-H", "B: x: y").requests
    assert (request.method, request.body) == ("POST", "{{string:300}}")
    assert request.headers == (("A", "1"), ("B", "x: y"))


def test_a_body_file_goes_byte_by_byte(fake: FakeEngine, tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"\x00\xff{{")
    (request,) = planned(fake, "--body-file", str(path), "-X", "put").requests
    assert request.method == "PUT"
    assert base64.b64decode(request.body_base64 or "") == b"\x00\xff{{"


def test_a_form_is_encoded_and_typed(fake: FakeEngine) -> None:
    (request,) = planned(fake, "--form", "a=1 &2", "--form", "b=ü").requests
    assert request.body == "a=1+%262&b=%C3%BC"
    assert ("Content-Type", "application/x-www-form-urlencoded") in request.headers


def test_basic_and_bearer_become_headers(fake: FakeEngine) -> None:
    (request,) = planned(fake, "-u", "me:pass").requests
    assert ("Authorization", "Basic bWU6cGFzcw==") in request.headers
    (request,) = planned(fake, "--bearer", "abc").requests
    assert ("Authorization", "Bearer abc") in request.headers


def test_credentials_in_the_url_are_used_and_not_printed(fake: FakeEngine) -> None:
    done = run("http://me:hunter2@127.0.0.1:8080/", "--json", "-")
    (request,) = fake.plans[-1].requests
    encoded = base64.b64encode(b"me:hunter2").decode()
    assert ("Authorization", f"Basic {encoded}") in request.headers
    assert "hunter2" not in done.output
    assert encoded not in done.output


def test_several_requests_come_from_a_file(fake: FakeEngine, tmp_path: Path) -> None:
    path = tmp_path / "requests.json"
    path.write_text('[{"path": "/a", "weight": 3}, {"path": "/b", "method": "PUT", "body": "x"}]')
    done = run("http://127.0.0.1:8080", "--requests-file", str(path), "-H", "A: 1")
    assert done.exit_code == 0
    first, second = fake.plans[-1].requests
    assert (first.path, first.weight, first.headers) == ("/a", 3.0, (("A", "1"),))
    assert (second.method, second.body, second.name) == ("PUT", "x", "PUT /b")


def test_a_unix_socket_keeps_the_urls_host_as_header(fake: FakeEngine) -> None:
    assert run("http://example.com/x", "--unix-socket", "/run/app.sock").exit_code == 0
    plan = fake.plans[-1]
    assert plan.target == "unix:///run/app.sock"
    assert plan.requests[0].headers == (("Host", "example.com"),)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-R", "10", "--stages", "1s:10"), "give one"),
        (("-R", "10..20", "-n", "5"), "how long"),
        (("--poisson",), "needs a rate"),
        (("-R", "10", "--think-time", "1s"), "closed loop"),
        (("-b", "x", "--json-body", "{}"), "give one"),
        (("--json-body", "{"), "no JSON"),
        (("-u", "a:b", "--bearer", "c"), "two authorisations"),
        (("-t", "4", "-c", "2"), "threads is 4"),
        (("-d", "5 parsecs"), "no duration"),
        (("-d", "0"), "no duration"),
        (("-R", "0"), "above 0"),
        (("-H", "no colon"), "no header"),
        (("-H", "A: b\r\nEvil: c"), "control characters"),
        (("--expect", "700"), "no status"),
        (("--hdr", "x.txt"), "hgrm"),
        (("--json", "/nowhere/x.json"), "does not exist"),
        (("--json", "-", "--csv", "-"), "mix"),
        (("--key", __file__), "--cert"),
        (("--requests-file", __file__), "leave the URL's path out"),
    ],
)
def test_wrong_commands_are_refused_in_a_sentence_before_any_load(
    fake: FakeEngine, words: tuple[str, ...], said: str
) -> None:
    assert said in " ".join(refused(URL, *words).split())
    assert fake.plans == []


@pytest.mark.parametrize(
    "url", ["ftp://a/", "http://", "http://a:99999/", "http://a b/", "http://[::1/"]
)
def test_what_is_no_url_is_refused(fake: FakeEngine, url: str) -> None:
    refused(url)
    assert fake.plans == []


def test_a_public_address_is_not_loaded_without_consent(fake: FakeEngine) -> None:
    assert "--i-may-load 1.1.1.1" in refused("http://1.1.1.1/")
    assert fake.plans == []
    assert run("http://1.1.1.1/", "--i-may-load", "1.1.1.1").exit_code == 0


def test_a_good_load_exits_with_0_and_prints_its_verdict_last(fake: FakeEngine) -> None:
    done = run(URL)
    assert done.exit_code == 0
    assert done.stdout.strip().splitlines()[-1].startswith("4,000 req/s")


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (make.load_result(), 0),
        (make.load_result(failed=5), 0),
        (make.hung_result(), 1),
        (make.dead_result(), 3),
        (make.dead_result(validity=make.load_result().validity), 3),
    ],
    ids=["good", "some-failed", "hung", "dead", "dead-but-called-valid"],
)
def test_the_exit_code_says_what_the_load_was_worth(
    fake: FakeEngine, result: LoadResult, code: int
) -> None:
    fake.result = result
    assert run(URL).exit_code == code


def test_a_load_interrupted_by_ctrl_c_keeps_what_it_has(fake: FakeEngine, tmp_path: Path) -> None:
    fake.result = engine.Interrupted(make.load_result())
    path = tmp_path / "out.json"
    done = run(URL, "--json", str(path))
    assert done.exit_code == 130
    assert "Interrupted after" in done.stdout
    data = json.loads(path.read_text())
    assert data["ok"] == 20_000
    assert data["interrupted"] is True


def test_json_on_standard_output_is_alone_there(fake: FakeEngine) -> None:
    done = run(URL, "--json", "-")
    assert json.loads(done.stdout)["schema"] == 1
    assert "req/s" in done.stderr


def test_files_are_written_whole_and_leave_nothing_beside_them(
    fake: FakeEngine, tmp_path: Path
) -> None:
    names = ["a.json", "b.csv", "c.hgrm", "d.hlog"]
    json_file, csv_file, hgrm_file, hlog_file = (str(tmp_path / name) for name in names)
    words = ("--json", json_file, "--csv", csv_file, "--hdr", hgrm_file, "--hdr", hlog_file)
    assert run(URL, *words).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert all(path.stat().st_size > 100 for path in tmp_path.iterdir())


def test_a_device_is_written_to_and_not_replaced(fake: FakeEngine) -> None:
    assert run(URL, "--json", "/dev/null").exit_code == 0
    assert Path("/dev/null").is_char_device()


def test_quiet_prints_the_verdict_and_nothing_else(fake: FakeEngine) -> None:
    done = run(URL, "-q")
    assert len(done.stdout.strip().splitlines()) == 1
    assert done.stderr == ""


def test_the_display_changes_nothing_that_is_measured(fake: FakeEngine) -> None:
    assert planned(fake) == planned(fake, "-q")


def test_a_long_silence_that_ended_is_a_hang_too(fake: FakeEngine) -> None:
    fake.result = replace(make.load_result(), silence=Silence(1.0, 3.0))
    done = run(URL)
    assert done.exit_code == 1
    assert "The service hung: no answers from 1 s on, for 3 s" in " ".join(done.stdout.split())


def test_every_option_has_help_or_says_itself() -> None:
    options: list[Any] = [one for one in load.params if isinstance(one, click.Option)]
    assert {option.name for option in options if not option.help} == set()
    assert load_module.EPILOG.count("syncline load") >= 3
