"""What ``syncline init`` makes of projects, without running them."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncline.cli import main
from syncline.cli.init_file import config_text, needs_of
from syncline.cli.project import look
from syncline.config import read_config

SHOP = Path(__file__).parents[1] / "projects" / "shop"


def project(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_py", ".py").replace("_txt", ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_the_shop_is_understood_whole() -> None:
    found = look(SHOP)
    assert found.apps[0].name == "shop.main:app"
    assert found.seeds == ("shop.initial_data",)
    assert found.sql == ("db/schema.sql",)
    config, _ = read_config(config_text(found), "syncline.toml")
    assert config.service.env.keys() == {"SECRET_KEY"}
    assert config.backends.postgres is not None
    assert config.backends.postgres.variables["POSTGRES_SERVER"] == "{host}"
    assert config.backends.postgres.init_sql == "db/schema.sql"


@pytest.mark.parametrize(
    ("source", "name", "interface"),
    [
        ("from fastapi import FastAPI\napp = FastAPI()", "main:app", "asgi"),
        ("import flask\nsite = flask.Flask(__name__)", "main:site", "wsgi"),
        ("import falcon.asgi\napp = falcon.asgi.App()", "main:app", "asgi"),
        ("import falcon\napp: object = falcon.App()", "main:app", "wsgi"),
        ("application = get_wsgi_application()", "main:application", "wsgi"),
    ],
)
def test_frameworks_are_told_by_what_makes_the_app(
    source: str, name: str, interface: str, tmp_path: Path
) -> None:
    app = look(project(tmp_path, main_py=source)).apps[0]
    assert (app.name, app.interface) == (name, interface)


MAKES = "def create_app(debug=False):\n    site = Flask('a')\n    return site\n"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (MAKES, ["main:create_app"]),
        (f"{MAKES}app = create_app()", ["main:create_app"]),
        ("def make(*, name='a'):\n    return FastAPI(title=name)", ["main:make"]),
        # An object that is there is what the project's own start command will name.
        (f"{MAKES}application = Flask('b')", ["main:application", "main:create_app"]),
        ("def create_app(config):\n    return Flask(config)", []),
        ("def create_app(*, config):\n    return Flask(config)", []),
        ("def helper():\n    Flask('a')\n    return 1", []),
    ],
)
def test_a_function_that_makes_the_application_without_being_told_anything_is_named(
    source: str, names: list[str], tmp_path: Path
) -> None:
    assert [app.name for app in look(project(tmp_path, main_py=source)).apps] == names


def test_a_database_url_gets_the_driver_that_the_project_uses(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        app_py="import os\nfrom fastapi import FastAPI\napp = FastAPI()\nos.environ['DATABASE_URL']"
        "\nos.getenv('REDIS_URL', '')\n",
        requirements_txt="SQLAlchemy[asyncio]>=2\nasyncpg==0.30\nredis\n",
    )
    found = look(folder)
    assert list(needs_of(found)) == ["postgres", "valkey"]
    config, _ = read_config(config_text(found), "syncline.toml")
    assert config.backends.postgres is not None
    assert config.backends.postgres.scheme == "postgresql+asyncpg"
    assert config.backends.valkey is not None
    assert config.backends.valkey.variable == "REDIS_URL"


def test_a_settings_class_with_a_prefix_is_read(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        main_py="app = FastAPI()",
        settings_py="""
class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="shop_")
    database_url: PostgresDsn
    secret: str
    limit: int = Field(default=3)
    must: int = Field(...)
""",
        requirements_txt="psycopg2-binary\nsqlalchemy\n",
    )
    config, _ = read_config(config_text(look(folder)), "syncline.toml")
    assert config.service.env.keys() == {"SHOP_SECRET", "SHOP_MUST"}
    assert config.backends.postgres is not None
    assert config.backends.postgres.variable == "SHOP_DATABASE_URL"


def test_a_package_below_src_is_named_by_its_file(tmp_path: Path) -> None:
    source = {"src__shop____init___py": "", "src__shop__main_py": "app = FastAPI()"}
    (tmp_path / "src" / "shop").mkdir(parents=True)
    (tmp_path / "src" / "shop" / "__init__.py").touch()
    (tmp_path / "src" / "shop" / "main.py").write_text(source["src__shop__main_py"])
    assert look(tmp_path).apps[0].name == "src/shop/main.py:app"


def test_a_source_that_cannot_be_parsed_is_passed_over(tmp_path: Path) -> None:
    folder = project(tmp_path, bad_py="def (", main_py="app = FastAPI()")
    assert look(folder).apps[0].name == "main:app"


def test_a_file_that_is_there_stays_unless_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project(tmp_path, main_py="app = FastAPI()"))
    (tmp_path / "syncline.toml").write_text("# mine\n")
    assert code("init") == 2
    assert "is there already; --force" in capsys.readouterr().err
    assert code("init", "--dry-run") == 0
    assert (tmp_path / "syncline.toml").read_text() == "# mine\n"
    assert code("init", "--force") == 0
    assert code("config", "check") == 0


def test_a_folder_without_an_application_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert code("init") == 2
    assert "syncline run module:attribute" in capsys.readouterr().err
    assert not (tmp_path / "syncline.toml").exists()


def code(*words: str) -> int:
    """The exit code of a command line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["syncline", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)
