"""The local page lets nobody in but its own, shows what is kept, and starts what is offered."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from syncline.cli import cli
from syncline.cli.seam import run
from syncline.cli.ui import check_exposure, offers
from syncline.errors import UsageError
from syncline.process import Workspace
from syncline.store import Store
from syncline.web import Access, Offer, Runner, Site, build_app
from syncline.web.kept import Kept
from tests.unit.factories import run_record
from tests.unit.pages import HOSTILE, observed_run

TOKEN = "t0ken-of-a-test-page"  # noqa: S105
BASE = "http://127.0.0.1:8765"
OWN = {"origin": BASE}
OLD, NEW = "20260101-000000-aaaa", "20260201-000000-bbbb"
LIMIT_S = 60.0

# Plays a run: tells what it was asked, and goes on until it is interrupted if it is to.
PLAYER = """
import json, os, sys, time
def say(**told):
    with open(os.environ["SYNCLINE_EVENTS"], "a") as stream:
        stream.write(json.dumps(told) + "\\n")
say(kind="note", text=" ".join(sys.argv[1:]) + " " + os.environ["SYNCLINE_STORE"])
if "SYNCLINE_UI_TOKEN" in os.environ:
    sys.exit("The token has leaked.")
if "fail" in sys.argv:
    print("Error: no such thing.\\x1b[31m")
    sys.exit(2)
try:
    while "wait" in sys.argv:
        time.sleep(0.05)
except KeyboardInterrupt:
    say(kind="end", status="interrupted", done=0)
    sys.exit(130)
say(kind="end", status="finished", done=1)
"""


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, for copying."""
    place = tmp_path_factory.mktemp("store") / "runs.db"
    with Store.open(str(place)) as store:
        store.import_run(run_record(id=OLD, started="2026-01-01T00:00:00Z", status="interrupted"))
        store.import_run(run_record(id=NEW, started="2026-02-01T00:00:00Z"))
    return place


@pytest.fixture
def runner(two_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    monkeypatch.setenv("SYNCLINE_UI_TOKEN", TOKEN)
    place = shutil.copy(two_runs, tmp_path / "runs.db")
    shown = (
        Offer("tiny", "a tiny case", ("run", "tiny")),
        Offer("long", "one that stays", ("run", "wait")),
        Offer("bad", "one that fails", ("run", "fail")),
    )
    with Workspace.open() as workspace:
        made = Runner(str(place), shown, workspace, (sys.executable, "-c", PLAYER))
        yield made
        made.close()


@pytest.fixture
def visitor(runner: Runner, tmp_path: Path) -> TestClient:
    """A browser that has not been let in."""
    site = Site(Kept(str(tmp_path / "runs.db")), runner)
    app = build_app(site, Access("127.0.0.1", 8765, TOKEN))
    return TestClient(app, base_url=BASE, follow_redirects=False)


@pytest.fixture
def client(visitor: TestClient) -> TestClient:
    """A browser that has followed the printed address."""
    answer = visitor.get("/", params={"token": TOKEN})
    assert answer.status_code == 200
    return visitor


ROUTES = (
    *("/", "/state", "/live", "/live/events", "/compare", f"/runs/{OLD}", f"/runs/{OLD}/report"),
    *(f"/runs/{OLD}/events", "/start", "/cancel", "/nothing", "/favicon.ico"),
)


def test_without_the_token_no_route_says_anything(visitor: TestClient) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
        for route in ROUTES:
            for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": "syncline-8765=x"}):
                answer = visitor.request(method, route, headers={**OWN, **headers})
                assert answer.status_code == 403, (method, route)
                assert OLD not in answer.text


def test_the_token_of_the_address_becomes_a_cookie_that_no_script_and_no_other_page_has(
    visitor: TestClient,
) -> None:
    assert visitor.get("/?token=wrong").status_code == 403
    answer = visitor.get("/", params={"token": TOKEN})
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
    assert TOKEN not in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert visitor.get("/").status_code == 200
    assert TOKEN not in visitor.get("/").text


def test_a_program_may_bring_the_token_as_a_header(visitor: TestClient) -> None:
    assert visitor.get("/", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert visitor.get("/live", params={"token": TOKEN}).status_code == 403, "only at the front"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8765",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:8765.evil.example",
    ],
)
def test_another_name_for_this_machine_is_refused(client: TestClient, host: str) -> None:
    """A page of strangers whose name leads here (DNS rebinding) has that name in its requests."""
    assert client.get("/", headers={"host": host}).status_code == 403


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST:8765", "[::1]:8765"]
)
def test_every_name_of_loopback_is_the_page(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        *("http://evil.example", "null", "https://127.0.0.1:8765", "http://127.0.0.1:8766"),
        *("http://localhost:8765", "http://127.0.0.1:8765.evil.example", f"{BASE}@evil.example"),
        *("http://127.0.0.1", f"{BASE}/x", "http://127.0.0.1:bad", ""),
    ],
)
def test_requests_of_other_pages_change_and_read_nothing(
    client: TestClient, runner: Runner, origin: str
) -> None:
    answer = client.post("/start", data={"case": "tiny"}, headers={"origin": origin})
    assert answer.status_code == 403
    assert client.get("/", headers={"origin": origin}).status_code == 403
    assert runner.active is None


def test_a_post_that_names_no_origin_or_another_site_is_refused(
    client: TestClient, runner: Runner
) -> None:
    assert client.post("/start", data={"case": "tiny"}).status_code == 403
    site = {**OWN, "sec-fetch-site": "same-site"}
    assert client.post("/start", data={"case": "tiny"}, headers=site).status_code == 403
    assert runner.active is None


@pytest.mark.parametrize("route", ["/start?case=tiny", "/cancel"])
def test_nothing_changes_by_a_get(client: TestClient, runner: Runner, route: str) -> None:
    assert client.get(route).status_code == 405
    assert client.head(route).status_code == 405
    assert runner.active is None


@pytest.mark.parametrize(
    "name",
    [
        *("../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd"),
        *("latest", OLD[:-1], f"{OLD}%00", "runs.db", "%", "' OR 1=1 --"),
    ],
)
def test_a_run_is_had_by_its_whole_id_only(client: TestClient, name: str) -> None:
    for tail in ("", "/report", "/events"):
        assert client.get(f"/runs/{name}{tail}").status_code == 404


def test_every_answer_forbids_framing_sniffing_and_foreign_content(client: TestClient) -> None:
    for route in ("/", f"/runs/{OLD}", "/nothing", f"/compare?run={OLD}&run={NEW}", "/start"):
        answer = client.get(route)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers


def test_the_list_is_the_newest_first_and_can_be_filtered(client: TestClient) -> None:
    def ids(query: str) -> list[str]:
        return re.findall(r'href="/runs/([^"]+)"', client.get(f"/?{query}").text)

    assert ids("") == [NEW, OLD]
    assert ids("status=interrupted") == [OLD]
    assert ids("case=users&text=AAAA") == [OLD]
    assert ids("case=books") == []
    assert ids("page=2") == []
    assert ids("page=-1&text=") == [NEW, OLD]


def test_a_word_tells_whether_the_list_has_changed(client: TestClient, tmp_path: Path) -> None:
    before = client.get("/state").text
    assert f'"state":"{before}"' in client.get("/").text
    assert client.get("/state").text == before
    with Store.open(str(tmp_path / "runs.db")) as opened:
        opened.import_run(run_record(id="20260301-000000-cccc"))
    assert client.get("/state").text != before


def test_a_run_is_its_report_and_two_are_a_comparison(client: TestClient) -> None:
    report = client.get(f"/runs/{NEW}").text
    assert "Under load" in report
    change = client.get(f"/compare?run={NEW}&run={OLD}").text
    assert f"<h1>{NEW} against {OLD}</h1>" in change, "the younger against the older"
    assert client.get(f"/compare?run={NEW}&run={NEW}").status_code == 404


def test_a_run_that_others_drive_is_told_from_the_store(client: TestClient) -> None:
    told = events(client.get(f"/runs/{OLD}/events").text)
    assert [one["kind"] for one in told] == ["run", *["done"] * (len(told) - 2), "end"]
    assert told[0]["id"] == OLD
    assert told[-1]["status"] == "interrupted"
    again = client.get(f"/runs/{OLD}/events", headers={"last-event-id": "1"}).text
    assert events(again)[1:] == told[2:]


def test_hostile_texts_are_text_on_every_page(
    client: TestClient, tmp_path: Path, runner: Runner
) -> None:
    with Store.open(str(tmp_path / "runs.db")) as store:
        store.import_run(observed_run(HOSTILE))
    pages = [client.get("/", params={"text": HOSTILE, "case": HOSTILE}).text, client.get("/").text]
    pages += [client.get(link).text for link in re.findall(r'href="(/runs/[^"]+)"', pages[1])]
    assert len(pages) == 5
    for page in pages:
        assert "<img" not in page
        assert "window.pwned = 1</script>" not in page
        assert '"><svg' not in page


def test_a_store_that_is_not_there_is_an_empty_list_and_is_not_made(
    runner: Runner, tmp_path: Path
) -> None:
    site = Site(Kept(str(tmp_path / "none" / "runs.db")), runner)
    client = TestClient(build_app(site, Access("127.0.0.1", 8765, TOKEN)), base_url=BASE)
    client.get("/", params={"token": TOKEN})
    assert "No run is kept here yet" in client.get("/").text
    assert not (tmp_path / "none").exists()


def test_only_what_is_offered_is_started(client: TestClient, runner: Runner) -> None:
    for case in ("users; reboot", "run", "", "--help"):
        answer = client.post("/start", data={"case": case}, headers=OWN)
        assert answer.status_code == 404
    assert client.post("/start", content=b"case=" + b"x" * 5000, headers=OWN).status_code == 413
    assert runner.active is None


def test_a_started_run_is_told_to_its_end(
    client: TestClient, runner: Runner, tmp_path: Path
) -> None:
    answer = client.post("/start", data={"case": "tiny", "effort": "quick"}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/live")
    told = stream(client)
    assert told[0]["text"] == f"run tiny --quick {tmp_path / 'runs.db'}"
    assert [one["kind"] for one in told] == ["note", "end", "exit"]
    assert told[-1] == {"kind": "exit", "status": 0, "text": ""}
    # Who lost the connection goes on after what was seen, and who comes later sees it all.
    offset = len(json.dumps(told[0])) + 1
    assert stream(client, offset) == told[1:]
    assert stream(client) == told


def test_a_run_that_cannot_start_says_why(client: TestClient) -> None:
    client.post("/start", data={"case": "bad"}, headers=OWN)
    last = stream(client)[-1]
    assert last["status"] == 2
    assert "no such thing" in last["text"]
    assert "\x1b" not in last["text"]
    assert "Ended: " in client.get("/").text


def test_one_run_goes_on_at_a_time_and_can_be_cancelled(client: TestClient, runner: Runner) -> None:
    client.post("/start", data={"case": "long"}, headers=OWN)
    active = runner.active
    assert active is not None
    until(lambda: active.events.stat().st_size > 0)
    assert "disturb each other" in client.post("/start", data={"case": "tiny"}, headers=OWN).text
    assert client.post("/cancel", headers=OWN).status_code == 303
    assert active.ended
    assert active.status == 130, "interrupted as by Ctrl-C, not killed"
    assert stream(client)[-2]["status"] == "interrupted"
    assert client.post("/start", data={"case": "tiny"}, headers=OWN).status_code == 303


def test_a_token_is_not_shown_with_the_value_that_holds_it() -> None:
    assert TOKEN not in repr(Access("127.0.0.1", 1, TOKEN))


def test_default_ports_need_not_be_named() -> None:
    assert Access("bench.example", 443, TOKEN, secure=True).hosts == {
        "bench.example",
        "bench.example:443",
    }
    assert "[::1]:80" in Access("::1", 80, TOKEN).hosts


@pytest.mark.parametrize(
    ("host", "token", "secure", "says"),
    [
        ("127.0.0.1", "short", False, "16 to 200"),
        ("127.0.0.1", "sixteen characters", False, "16 to 200"),
        ("0.0.0.0", TOKEN, True, "every address"),
        ("bench.example", None, True, "Others can reach"),
        ("bench.example", TOKEN, False, "Others can reach"),
    ],
)
def test_what_would_let_others_in_is_refused(
    host: str, token: str | None, secure: bool, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        check_exposure(host, token, secure, loopback=host == "127.0.0.1")


def test_a_certificate_that_cannot_be_used_is_said_before_anything_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("nonsense")
    words = ["ui", "--tls-cert", f"{tmp_path}/cert.pem", "--tls-key", f"{tmp_path}/key.pem"]
    assert run(cli, words) == 2
    captured = capsys.readouterr()
    assert "cannot be used" in captured.err
    assert captured.out == ""
    assert run(cli, words[:3]) == 2
    assert "belong together" in capsys.readouterr().err


def test_a_folder_s_own_service_is_offered_before_the_cases(tmp_path: Path) -> None:
    assert "users" in offers(tmp_path)
    assert "syncline.toml" not in offers(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.syncline.service]\napp = 'x:y'\n")
    assert next(iter(offers(tmp_path))) == "pyproject.toml"
    (tmp_path / "syncline.toml").write_text("[service]\napp = 'x:y'\n")
    assert next(iter(offers(tmp_path).items()))[1][1] == ("run",)


def stream(client: TestClient, offset: int = 0) -> list[dict[str, Any]]:
    """All events of the run that was started, once it has ended."""
    answer = client.get("/live/events", headers={"last-event-id": str(offset)})
    assert answer.headers["content-type"].startswith("text/event-stream")
    return events(answer.text)


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
