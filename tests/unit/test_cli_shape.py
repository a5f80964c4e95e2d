"""Settings, databases and servers from the command line become part of the case."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from syncline.cli import cli
from syncline.cli.parameters import setting, some_of, workers
from syncline.cli.run import Asked, build_experiment
from syncline.cli.seam import run
from syncline.cli.shape import Serving, on_database, served_by, with_settings
from syncline.errors import EnvironmentLackError, UsageError
from syncline.experiment import run_experiment
from syncline.experiment.tools import Tools
from syncline.judge import faulty_variants
from syncline.launch import server_argv
from syncline.store import Store
from syncline.trial import Case, Load, Variant, sweep
from syncline_cases import load_case, names
from tests.unit.factories import case, run_record
from tests.unit.fakes import World


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said(line: str, capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    assert run(cli, line.split()) == code
    return capsys.readouterr().err


def sized(**changes: object) -> Case:
    asked = case(
        settings={"rows": "how many (20)"},
        backends=("mariadb", "valkey"),
        databases=("mariadb", "postgres"),
        prepare="fill.it",
    )
    return replace(asked, **changes)  # type: ignore[arg-type]


# Settings


@pytest.mark.parametrize("command", ["run", "serve"])
def test_an_unknown_setting_is_answered_with_those_there_are(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(f"{command} users --set book=1", capsys)
    assert "users has no setting 'book'; it has: rows: how many users" in text


def test_what_is_no_setting_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'rows' is no setting; write NAME=VALUE" in said("run users --set rows", capsys)
    assert setting(" rows = 5 ") == ("rows", "5")
    assert setting("url=a=b") == ("url", "a=b")


def test_a_setting_reaches_services_and_prepare_and_makes_another_trial(tmp_path: Path) -> None:
    plain = sized()
    asked = with_settings(plain, ("sync",), [("rows", "5"), ("Rows", "7")])
    assert asked.variant("sync").settings == {"rows": "7"}
    assert "rows=7" in asked.title
    trial, other = (sweep(one, ("sync",), (Load(1, 2.0),)).trials[0] for one in (asked, plain))
    assert trial.identity != other.identity
    world = World()
    run_experiment(
        asked,
        sweep(asked, ("sync",), (Load(1, 2.0),)),
        store=Store.open(tmp_path / "runs.db"),
        environment=run_record().environment,
        tools=world.tools(),
    )
    assert [env["SYNCLINE_ROWS"] for env in world.prepare_envs] == ["7"]


def test_a_variant_that_is_made_by_a_setting_keeps_it() -> None:
    pool = Variant("pool50", app="a:b", settings={"rows": "50"})
    asked = sized(variants=(pool, Variant("sync", app="a:b")))
    with pytest.raises(UsageError, match=r"pool50 is what it is by rows=50"):
        with_settings(asked, ("sync", "pool50"), [("rows", "7")])
    changed = with_settings(asked, ("sync",), [("rows", "7")])
    assert changed.variant("pool50") == pool


def test_the_lifetime_in_the_cache_can_be_set_for_the_cached_variants_of_authors() -> None:
    cached = with_settings(load_case("authors"), ("async-cached",), [("cache-ttl-s", "9")]).variant(
        "async-cached"
    )
    assert cached.settings_env["SYNCLINE_CACHE_TTL_S"] == "9"


@pytest.mark.parametrize("name", names())
def test_every_setting_of_a_case_is_read_by_its_code(name: str) -> None:
    folder = Path(__file__).parents[2] / "python/syncline_cases" / name
    code = "".join(path.read_text() for path in folder.glob("*.py") if path.name != "case.py")
    for setting_name, meaning in load_case(name).settings.items():
        assert f"SYNCLINE_{setting_name.upper()}" in code
        assert meaning.endswith(")"), "its default stands at the end"


# Databases


def test_a_case_moves_to_another_database() -> None:
    variant = Variant("sync", app="a:b", backends={"mariadb": {"max_connections": "9"}})
    moved = on_database(sized(variants=(variant,)), "postgres", {})
    assert moved.backends == ("postgres", "valkey")
    assert moved.variant("sync").backends == {"postgres": {}}
    assert "on postgres" in moved.title


def test_the_usual_database_changes_nothing() -> None:
    assert on_database(sized(), "mariadb", {}) == sized()
    assert on_database(sized(), None, {"valkey": "redis://h"}) == sized()
    assert on_database(case(), None, {"postgres": "postgresql://h/d"}) == case()


def test_a_url_chooses_the_database_by_its_scheme() -> None:
    moved = on_database(load_case("authors"), None, {"postgres": "postgresql://h/d"})
    assert moved.backends == ("postgres", "valkey")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("authors --database sqlite", "authors cannot run on sqlite; it can on: mariadb, postgres"),
        ("users --database mariadb", "users cannot run on mariadb; it can on: postgres"),
        ("httpd --database postgres", "httpd has no database"),
        ("authors --database mariadb --database-url postgresql://h/d", "name mariadb and postgres"),
        (
            "authors --database-url mysql://h/d --database-url postgresql://h/d",
            "name mariadb and postgres; give one",
        ),
    ],
)
@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_database_that_cannot_be_is_refused(
    command: str, line: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in said(f"{command} {line}", capsys)


@pytest.mark.parametrize("name", names())
def test_the_first_database_of_a_case_is_among_its_back_ends(name: str) -> None:
    shipped = load_case(name)
    assert set(shipped.databases[:1]) <= set(shipped.backends)


# Servers


def test_each_way_to_serve_is_a_variant_of_its_own() -> None:
    asked, made = served_by(
        case(), ("async",), Serving(("uvicorn", "granian"), (1, 2), ("asyncio",))
    )
    assert made == (
        "async@uvicorn-w1-asyncio",
        "async@uvicorn-w2-asyncio",
        "async@granian-w1-asyncio",
        "async@granian-w2-asyncio",
    )
    argv = server_argv(asked.variant(made[-1]), host="h", port=1, python="PY")
    assert argv[2] == "granian"
    assert " ".join(argv).endswith("--workers 2 --loop asyncio c:d")
    assert len(build_experiment(asked, Asked(made)).trials) == 2 * 4
    assert len({asked.variant(name).title for name in made}) == 4


def test_what_is_not_asked_stays_as_the_variant_has_it() -> None:
    four = Variant("four", app="a:b", workers=4, loop="uvloop", server="granian")
    asked, made = served_by(case(variants=(four,)), ("four",), Serving(servers=("uvicorn",)))
    assert made == ("four@uvicorn",)
    assert (asked.variant(made[0]).workers, asked.variant(made[0]).loop) == (4, "uvloop")
    assert served_by(case(), ("sync",), Serving()) == (case(), ("sync",))


def test_what_is_known_to_fail_is_known_to_on_another_server() -> None:
    asked, _ = served_by(case(faulty=("async",)), ("sync", "async"), Serving(workers=(2,)))
    assert {"sync@w2", "async@w2"} <= faulty_variants(asked)
    asked, _ = served_by(case(), ("async",), Serving(workers=(2,)))
    assert faulty_variants(asked) == {"sync"}


@pytest.mark.parametrize("option", ["--server granian", "--workers 2", "--loop uvloop"])
@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_server_of_its_own_cannot_be_served_by_another(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(f"{command} httpd {option}", capsys)
    assert "httpd's variant w1-logged is a server of its own" in text


def test_arguments_for_one_server_are_not_given_to_another() -> None:
    own = Variant("own", app="a:b", server_args=("--http", "h11"))
    asked = case(variants=(own,))
    with pytest.raises(UsageError, match="has arguments for uvicorn"):
        served_by(asked, ("own",), Serving(("uvicorn", "granian")))
    assert served_by(asked, ("own",), Serving(("uvicorn",), (2,)))[1] == ("own@uvicorn-w2",)


def test_a_server_that_is_not_installed_is_said_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EnvironmentLackError, match="pip install granian"):
        served_by(case(), ("sync",), Serving(("granian",)))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("run users --server apache", "'apache' is none of: uvicorn, granian, hypercorn, gunicorn"),
        ("run users --loop trio", "'trio' is none of: auto, asyncio, uvloop"),
        ("run users --workers 0", "'0' is no number of workers"),
        ("run users --workers 1,x", "'x' is no number of workers"),
        ("serve users --server uvicorn,granian", "is not one of"),
        ("serve users --workers 1,2", "is not a valid integer range"),
    ],
)
def test_wrong_lists_are_one_sentence(
    line: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in said(line, capsys)


def test_lists_are_read_in_order_and_once() -> None:
    assert workers("2, 1,2") == (2, 1)
    assert some_of("a", "b")("B,a,b") == ("b", "a")


def test_run_counts_the_trials_of_all_servers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World()

    def tools(*, probe: bool, **_: object) -> Tools:
        assert not probe
        return world.tools()

    monkeypatch.setattr("syncline.cli.run.real_tools", tools)
    servers = "--server uvicorn,granian --workers 1,2"
    line = f"run users --variant async {servers} --set rows=9 -c 1 -d 1 --no-probe"
    assert run(cli, line.split()) == 0
    out, err = capsys.readouterr()
    assert "4 trials" in err
    assert "async@granian-w2" in out
    assert sum(line.startswith("start async@") for line in world.journal) == 4
    assert world.prepare_envs[0]["SYNCLINE_ROWS"] == "9"


# Completion and fetching


def test_the_shell_completes_settings_and_databases() -> None:
    from click.shell_completion import ShellComplete

    complete = ShellComplete(cli, {}, "syncline", "_SYNCLINE_COMPLETE").get_completions
    assert [item.value for item in complete(["run", "users", "--set"], "r")] == ["rows="]
    found = complete(["serve", "authors", "--database"], "")
    assert [item.value for item in found] == ["mariadb", "postgres"]


def test_doctor_fetches_only_what_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[object] = []

    def fetch(workspace: object) -> Path:
        calls.append(workspace)
        return Path("/cache/mariadb")

    monkeypatch.setattr("syncline.cli.doctor.fetch_mariadb", fetch)
    run(cli, ["doctor", "--json"])
    assert calls == []
    capsys.readouterr()
    run(cli, ["doctor", "--json", "--fetch", "mariadb"])
    out, err = capsys.readouterr()
    assert len(calls) == 1
    assert "MariaDB is in /cache/mariadb" in err
    assert out.startswith("{"), "JSON has standard output to itself"
    assert run(cli, ["doctor", "--fetch", "oracle"]) == 2


def test_a_fetched_mariadb_is_found_by_doctor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from syncline.cli import doctor_checks

    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    monkeypatch.setattr(doctor_checks, "fetched", lambda _: None)
    assert "syncline doctor --fetch mariadb" in doctor_checks.mariadb().todo
    monkeypatch.setattr(doctor_checks, "fetched", lambda _: tmp_path)
    assert doctor_checks.mariadb().state == "ok"
