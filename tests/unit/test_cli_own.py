"""A config as a case, and what the command line says over it; nothing is started here."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from syncline.cli.offering import choose, edit
from syncline.cli.own import OwnAsked, resolve
from syncline.cli.own_case import app_of, as_case, base_variant, provisions
from syncline.cli.own_requests import Own, requests_of
from syncline.config import read_config
from syncline.errors import EnvironmentLackError, UsageError
from syncline.launch import AppFacts
from syncline.openapi import LeftOut, Offer
from syncline.plan import ClosedLoop, OpenLoop, Request
from syncline.trial import Case

ASGI = AppFacts("asgi", "fastapi", None, (), ("uvicorn", "granian", "gunicorn"))
WSGI = AppFacts("wsgi", "flask", None, (), ("uvicorn", "waitress"))


def own(text: str, root: Path) -> Own:
    config, source = read_config(text, "syncline.toml")
    return Own(config, source, root)


def case(text: str, root: Path, facts: AppFacts | None = ASGI) -> Case:
    made = own(text, root)
    return as_case(made, base_variant(made), facts, requests_of(made) or (Request(),))


def test_a_service_alone_is_one_variant_under_three_levels(tmp_path: Path) -> None:
    made = case('[service]\napp = "shop.main:app"\n', tmp_path)
    assert made.name == "shop"
    assert made.default_variants == ("as-is",)
    assert made.variants[0].working_dir == str(tmp_path.resolve())
    assert [load.connections for load in made.loads] == [1, 12, 48]
    assert max(load.duration_s for load in made.quick_loads) <= 1.5


def test_wsgi_gets_the_first_fitting_server_that_is_installed(tmp_path: Path) -> None:
    made = case('[service]\napp = "shop:app"\n', tmp_path, WSGI)
    assert (made.variants[0].interface, made.variants[0].server) == ("wsgi", "waitress")


def test_a_server_that_is_not_beside_the_app_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentLackError, match=r"gunicorn is not installed .* pip install"):
        case('[service]\napp = "shop:app"\nserver = "gunicorn"\n', tmp_path, WSGI)


def test_variants_take_what_they_do_not_say_from_the_service(tmp_path: Path) -> None:
    made = case(
        """
[service]
app = "shop:app"
env = { A = "1", B = "2" }
[backends.postgres]
scheme = "postgresql+asyncpg"
settings = { max_connections = 50, fsync = false }
[[variants]]
name = "small"
env = { B = "3" }
backends = { postgres = { max_connections = 20 } }
[[variants]]
name = "imposed"
default = false
workers = 2
what_ifs = ["pool_size=20", "max_overflow=0"]
""",
        tmp_path,
    )
    small, imposed = made.variants
    assert made.default_variants == ("small",)
    assert small.env == {"A": "1", "B": "3"}
    assert small.backends == {"postgres": {"max_connections": "20", "fsync": "off"}}
    assert (imposed.name, imposed.workers) == ("imposed", 2)
    assert imposed.what_ifs == {"pool_size": "20", "max_overflow": "0"}
    assert made.provisions["postgres"].variables == {"DATABASE_URL": "postgresql+asyncpg://{rest}"}


def test_requests_loads_and_steps_become_values(tmp_path: Path) -> None:
    made = case(
        """
[service]
app = "shop:app"
[[setup]]
method = "post"
path = "/login"
form = { username = "me@x", password = "a b" }
capture = { token = "json:access_token" }
[[requests]]
name = "list"
path = "/a b?x={{csv:people.csv:name}}"
checks = { min_items = { "" = 1 } }
[[requests]]
name = "make"
method = "POST"
path = "/make"
headers = { Authorization = "Bearer {{capture:token}}" }
json = { n = 1 }
expect = [201, 409]
[[loads]]
requests = ["make"]
connections = 4
rate = "10..20"
duration = "2s"
warmup = "1s"
[[loads]]
think_time = "10ms"
""",
        tmp_path,
    )
    login = made.setup[0].request
    assert (login.method, login.body) == ("POST", "username=me%40x&password=a+b")
    first, second = made.loads[1].requests
    assert first.path == f"/a%20b?x={{{{csv:{tmp_path}/people.csv:name}}}}"
    assert (second.body, second.expect) == ('{"n": 1}', (201, 409))
    assert ("Content-Type", "application/json") in second.headers
    assert [request.name for request in made.loads[0].requests] == ["make"]
    assert isinstance(made.loads[0].schedule, OpenLoop)
    assert made.loads[1].schedule == ClosedLoop(think_time_s=0.01)
    assert [step.request.name for step in made.rehearsal] == ["list"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[service]\n", ":1: [service] needs one of the keys app, command and url."),
        ('[service]\napp = "a:b"\nurl = "http://h"\n', ":2: app excludes command and url"),
        ('[service]\ncommand = "gunicorn x"\n', ":2: the command has no {port} in it"),
        ('[service]\napp = "shop"\n', "'shop' names no application; write module:attribute"),
        ('[service]\napp = "nosuch.py:app"\n', "There is no file"),
        ('[service]\napp = "a:b"\npython = "nosuch"\n', ":3: "),
        ('[service]\nurl = "ftp://h"\n', "is no URL of a service"),
        ('[service]\nurl = "http://h/books"\n', "give the service's root"),
        (
            '[service]\napp = "a:b"\n[[requests]]\npath = "/{{capture:t}}"\n',
            ":3: {{capture:t}} is used, and no setup request captures it.",
        ),
        ('[service]\napp = "a:b"\n[[requests]]\npath = "x y"\nbody = "a"\njson = 1\n', "give one"),
        ('[service]\napp = "a:b"\n[[loads]]\nrequests = ["x"]\n', "there is no request 'x'"),
        ('[service]\napp = "a:b"\n[[loads]]\nwarmup = "9s"\n', ":3: the warm-up (9 s) must be"),
        ('[service]\napp = "a:b"\n[[variants]]\nname = "x"\nwhat_ifs = ["no=1"]\n', ":5: There is"),
        (
            '[service]\ncommand = "x"\nurl = "http://127.0.0.1:1"\n'
            '[[variants]]\nname = "a"\n[[variants]]\nname = "b"\n',
            "is one place, and 2 variants run side by side",
        ),
    ],
)
def test_what_cannot_be_is_one_sentence(text: str, says: str, tmp_path: Path) -> None:
    facts = ASGI if "app =" in text else None
    with pytest.raises(UsageError) as caught:
        case(text, tmp_path, facts)
    assert says in str(caught.value)


def test_a_file_in_a_package_is_imported_by_its_whole_name(tmp_path: Path) -> None:
    (tmp_path / "src" / "shop").mkdir(parents=True)
    (tmp_path / "src" / "shop" / "__init__.py").touch()
    (tmp_path / "src" / "shop" / "main.py").touch()
    (tmp_path / "app.py").touch()
    assert app_of("src/shop/main.py:app", tmp_path) == ("shop.main:app", tmp_path / "src")
    assert app_of("app.py:app", tmp_path) == ("app:app", None)
    made = base_variant(own('[service]\napp = "src/shop/main.py:app"\n', tmp_path))
    assert made.env["PYTHONPATH"].split(os.pathsep)[0] == str(tmp_path / "src")


def test_an_interpreter_may_be_named_by_its_virtual_environment(tmp_path: Path) -> None:
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(sys.executable)
    made = base_variant(own('[service]\napp = "a:b"\npython = "venv"\n', tmp_path))
    # Not the link's target: that interpreter has other libraries.
    assert made.python == str(tmp_path / "venv" / "bin" / "python")


def test_a_back_end_without_variables_is_found_by_the_usual_one(tmp_path: Path) -> None:
    made = provisions(own('[service]\napp = "a:b"\n[backends.valkey]\n', tmp_path))
    assert made["valkey"].variables == {"REDIS_URL": "{url}"}


@pytest.mark.parametrize(
    ("word", "asked", "says"),
    [
        (None, OwnAsked(), "There is no syncline.toml in this folder"),
        ("nosuch", OwnAsked(), "There is no case 'nosuch'"),
        ("users", OwnAsked(paths=("/x",)), "users is a case that ships"),
        ("a:b", OwnAsked(url="http://127.0.0.1:1"), "a:b excludes --url"),
        (None, OwnAsked(url="http://127.0.0.1:1", method="PUT"), "give them with --path"),
        (None, OwnAsked(config=Path("nosuch.toml")), "nosuch.toml cannot be read"),
        (None, OwnAsked(url="http://203.0.113.5", paths=("/",)), "--i-may-load 203.0.113.5"),
    ],
)
def test_a_command_line_that_cannot_be_is_one_sentence(
    word: str | None,
    asked: OwnAsked,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        resolve(word, asked)
    assert says in str(caught.value)


def test_without_a_terminal_all_that_is_offered_is_taken_and_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = Offer((Request("/a"),), (LeftOut("GET /b", "id is required"),), writing=2)
    assert choose(found) == (Request("/a"),)
    said = capsys.readouterr().err
    assert "GET /a" in said
    assert "not GET /b: id is required" in said
    assert "not 2 operations that may write" in said


def test_at_a_terminal_requests_are_left_out_and_added(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["-1,3", "/x y", ""])
    monkeypatch.setattr("click.prompt", lambda *_, **__: next(answers))
    chosen = edit([Request("/a"), Request("/b"), Request("/c")])
    assert [request.path for request in chosen] == ["/b", "/x%20y"]
