"""One's own service as a new user runs it: from nothing to a finding."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import venv
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from syncline.errors import ServiceStartError
from syncline.experiment.readying import take_steps
from syncline.launch import find_service, interview
from syncline.plan import Request
from syncline.process import Workspace, free_port
from syncline.steps import Capture, Step
from syncline.trial import Variant

SHOP = Path(__file__).parents[1] / "projects" / "shop"
SYNCLINE = [sys.executable, "-c", "from syncline.cli import main; main()"]
LIMIT_S = 120.0

pytestmark = pytest.mark.timeout(180)

ASGI = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
    await send({"type": "http.response.body", "body": b"hello"})
"""
FLASK = """
import flask

app = flask.Flask(__name__)


@app.get("/hello")
def hello():
    return "hello"
"""
FASTAPI = """
import fastapi

app = fastapi.FastAPI()


@app.get("/hello")
async def hello() -> str:
    return "hello"
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory like a user's: not pytest's, which is closed to the servers' own account."""
    with tempfile.TemporaryDirectory(prefix="syncline-test-") as name:
        path = Path(name)
        (path / "tmp").mkdir()
        path.chmod(0o711)
        yield path


def syncline(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SYNCLINE, *words],
        cwd=place,
        env={**os.environ, "SYNCLINE_TMPDIR": str(place / "tmp")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )


def ran(place: Path, *words: str) -> tuple[dict[str, Any], str]:
    """The run as JSON, and what was said; a busy machine may make it invalid."""
    done = syncline(place, "run", *words, "--json", "out.json", "--no-verify")
    assert done.returncode in (0, 1, 3), done.stderr
    data: dict[str, Any] = json.loads((place / "out.json").read_text())
    return data, done.stderr + done.stdout


@pytest.mark.postgres
def test_a_full_stack_project_goes_from_nothing_to_a_finding(place: Path) -> None:
    shutil.copytree(SHOP, place, dirs_exist_ok=True)
    written = syncline(place, "init")
    assert written.returncode == 0, written.stderr
    data, said = ran(place, "-c", "4", "-d", "2")
    assert "GET /api/v1/orders/" in said
    assert "not GET /api/v1/orders/mine: it wants authorisation" in said
    (trial,) = data["trials"]
    assert trial["result"]["ok"] > 0
    assert trial["result"]["failed"] == 0
    found = {one["code"]: one for one in data["findings"]}
    assert "n-plus-one" in found
    assert "/orders/" in found["n-plus-one"]["summary"]


@pytest.mark.postgres
def test_a_login_before_the_load_opens_what_is_behind_it(place: Path) -> None:
    shutil.copytree(SHOP, place, dirs_exist_ok=True)
    assert syncline(place, "init").returncode == 0
    with (place / "syncline.toml").open("a") as config:
        config.write("""
[[setup]]
method = "POST"
path = "/api/v1/login/access-token"
form = { username = "admin@example.com", password = "changethis" }
capture = { token = "json:access_token" }

[[requests]]
path = "/api/v1/orders/mine"
headers = { Authorization = "Bearer {{capture:token}}" }
checks = { min_items = { "" = 5 } }
""")
    data, _ = ran(place, "-c", "2", "-d", "1")
    (trial,) = data["trials"]
    assert set(trial["result"]["status_codes"]) == {"200"}
    # The token is a secret of the service, and no part of what is kept.
    assert "eyJ" not in json.dumps(data["trials"][0]["load"])


def test_a_wsgi_application_is_told_from_an_asgi_one_and_served(place: Path) -> None:
    (place / "site_app.py").write_text(FLASK)
    data, said = ran(place, "site_app.py:app", "-c", "2", "-d", "1", "--no-probe")
    assert "GET /hello" in said
    assert data["trials"][0]["result"]["ok"] > 0


@pytest.mark.parametrize(
    ("source", "server"), [(FLASK, "gunicorn"), (FLASK, "waitress"), (FASTAPI, "uvicorn")]
)
def test_a_function_that_makes_the_application_is_called(
    source: str, server: str, place: Path
) -> None:
    body = "".join(f"    {line}\n" for line in source.splitlines())
    (place / "made.py").write_text(f"def create_app(debug=False):\n{body}    return app\n")
    data, said = ran(place, "made.py:create_app", "--server", server, "-c", "2", "-d", "2")
    assert "GET /hello" in said
    (trial,) = data["trials"]
    assert trial["result"]["ok"] > 0
    assert "GET /hello" in json.dumps(trial["observations"]), "the probe counts what was made"


def test_a_command_is_started_and_a_running_service_is_only_loaded(place: Path) -> None:
    (place / "plain.py").write_text(ASGI)
    words = f"{sys.executable} -m uvicorn plain:app --log-level warning --port"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    common = ("--path", "/", "-c", "2", "-d", "1", "--no-probe")
    data, _ = ran(place, "--command", f"{words} {{port}}", *common)
    assert data["trials"][0]["result"]["ok"] > 0
    refused = syncline(place, "run", "--url", url, "--path", "/")
    assert refused.returncode == 3
    assert f"Nothing listens at {url}" in refused.stderr
    with subprocess.Popen([*words.split(), str(port)], cwd=place) as service:
        try:
            # It need not be up yet: readiness is waited for, so the first try may be too early.
            data = until_up(place, url, common)
            assert service.poll() is None
        finally:
            service.terminate()
    result = data["trials"][0]
    assert result["result"]["ok"] > 0
    assert "process.cpu_cores" in result["series"]


def test_a_command_whose_service_describes_itself_is_asked_what_to_send(place: Path) -> None:
    (place / "made.py").write_text(FASTAPI)
    words = f"{sys.executable} -m uvicorn made:app --port {{port}}"
    data, said = ran(place, "--command", words, "-c", "2", "-d", "1", "--no-probe")
    assert "GET /hello" in said
    assert data["trials"][0]["result"]["ok"] > 0
    broken = syncline(place, "run", "--command", f"{sys.executable} -c 'raise OSError' {{port}}")
    assert broken.returncode == 2
    assert "Say what to send" in broken.stderr
    assert "OSError" in broken.stderr


def until_up(place: Path, url: str, common: tuple[str, ...]) -> dict[str, Any]:
    for _ in range(10):
        done = syncline(place, "run", "--url", url, *common, "--json", "up.json", "--no-verify")
        if "Nothing listens" not in done.stderr:
            break
    data: dict[str, Any] = json.loads((place / "up.json").read_text())
    return data


class Login(BaseHTTPRequestHandler):
    """Gives a token to whoever knows the password, and takes what the load wants with it."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200 if b"right" in body else 400)
        self.end_headers()
        self.wfile.write(b'{"token": "t1"}')

    def do_GET(self) -> None:
        self.send_response(200 if self.headers["Authorization"] == "Bearer t1" else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_steps_are_taken_in_turn_and_one_that_fails_says_which() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Login) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            url = f"http://127.0.0.1:{server.server_address[1]}"
            service = find_service(Variant("a", url=url))
            token = (Capture("t", "json", "token"),)
            right = Step(Request("/in", "POST", body="right"), token)
            wrong = Step(Request("/in", "POST", body="wrong"), token)
            mine = Step(Request("/mine", headers=(("Authorization", "Bearer {{capture:t}}"),)))
            assert take_steps(service, (right, mine), {}) == {"t": "t1"}
            with pytest.raises(ServiceStartError, match="POST /in answered 400"):
                take_steps(service, (wrong, mine), {})
            with pytest.raises(ServiceStartError, match="GET /mine answered 401"):
                take_steps(service, (mine,), {"t": "other"})
        finally:
            server.shutdown()


def test_an_interpreter_of_its_own_imports_the_application(place: Path) -> None:
    """A virtual environment without Syncline, which sees only its own libraries."""
    venv.create(place / "venv", with_pip=False, symlinks=True)
    library = next((place / "venv" / "lib").glob("python3*/site-packages"))
    (library / "only_there.py").write_text("")
    (place / "plain.py").write_text(f"import only_there\n{ASGI}")
    with Workspace.open() as workspace:
        here = Variant("a", app="plain:app", working_dir=str(place))
        there = Variant(
            "a",
            app="plain:app",
            working_dir=str(place),
            python=str(place / "venv" / "bin" / "python"),
        )
        facts = interview("plain:app", there, {}, workspace)
        assert (facts.interface, facts.servers) == ("asgi", ())
        with pytest.raises(Exception, match=r"plain\.py:1\): ModuleNotFoundError"):
            interview("plain:app", here, {}, workspace)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("raise SystemExit(3)", "cannot be imported"),
        ("import os\nos._exit(0)", "ended its process"),
        ("app = 1", "is no application but a int"),
        ("def app():\n    return 1", "makes what is no application but a int"),
        ("def app():\n    return {}['x']", r"called to make the application, and .*KeyError"),
        ("class app:\n    pass", "is a class"),
        ("from flask import Flask\nsite = Flask('a')", "it has the applications site"),
    ],
)
def test_what_is_no_application_is_one_sentence(source: str, says: str, place: Path) -> None:
    (place / "bad.py").write_text(source)
    variant = Variant("a", app="bad:app", working_dir=str(place))
    with Workspace.open() as workspace, pytest.raises(Exception, match=says):
        interview("bad:app", variant, {}, workspace)
