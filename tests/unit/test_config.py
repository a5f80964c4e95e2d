"""``syncline.toml``: what is read, and the one sentence for what is wrong."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from syncline.cli.config import schema_text
from syncline.config import entries, read_config, reference
from syncline.config.lines import lines_of
from syncline.errors import UsageError

ROOT = Path(__file__).parents[2]
WHOLE = """\
objectives = ["p99 < 50ms"]
[service]
app = "shop.main:app"
workers = 2
env = { A = "b", "c.d" = "}" }

[backends.postgres]
variable = "DATABASE_URL"
settings = { max_connections = 50 }

[[requests]]
path = "/a"

[[requests]]
path = "/b"
json = { a = [1,
  { x = 2 }] }

[[setup]]
path = "/login"
capture = { token = "json:access_token" }
"""


def test_a_file_becomes_values() -> None:
    config, _ = read_config(WHOLE, "syncline.toml")
    assert config.service.app == "shop.main:app"
    assert config.service.env == {"A": "b", "c.d": "}"}
    assert config.backends.postgres is not None
    assert config.backends.postgres.settings == {"max_connections": 50}
    assert config.requests[1].json == {"a": [1, {"x": 2}]}
    assert config.loads[0].connections == (1, 12, 48)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("workers = 2", "worker = 2", ":4: [service] has no key 'worker'"),
        ("workers = 2", "worker = 2", "Did you mean 'workers'?"),
        ("workers = 2", "workers = 0", ":4: service.workers is 0; it must be 1 or more."),
        ("workers = 2", 'workers = "two"', ":4: service.workers is 'two'; it must be a whole"),
        ("workers = 2", "workers = true", "it must be a whole number"),
        ("workers = 2", 'server = "uvicrn"', "it may be uvicorn, granian"),
        ("workers = 2", "workers = ", ":4: this is no TOML: Invalid value, in column 11."),
        ("workers = 2", 'ready_timeout = "soon"', ":4: service.ready_timeout: 'soon' is no"),
        ("workers = 2", "command = 'a \"b'", "is no command: No closing quotation"),
        ("p99 < 50ms", "p99 <", ":1: objectives[0]: 'p99 <' is no objective"),
        ('path = "/b"', 'pth = "/b"', ":15: [[requests]] has no key 'pth'"),
        ('path = "/a"\n', "", ":11: [[requests]] lacks the key 'path'."),
        ("json:access", "jsn:access", ":21: setup[0].capture.token: 'jsn:access_token' says not"),
        ("[backends.postgres]", "[backends.postgress]", ":7: [backends] has no key 'postgress'"),
        ("[service]", "[servce]", "Did you mean 'service'?"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(old: str, new: str, says: str) -> None:
    assert old in WHOLE
    with pytest.raises(UsageError) as caught:
        read_config(WHOLE.replace(old, new, 1), "syncline.toml")
    assert str(caught.value).startswith("syncline.toml:")
    assert says in str(caught.value)


def test_pyproject_holds_the_same_keys_and_keeps_its_line_numbers() -> None:
    text = '[project]\nname = "x"\n\n[tool.syncline.service]\napp = "a:b"\nworker = 1\n'
    with pytest.raises(UsageError, match=r"^pyproject.toml:6: \[service\] has no key 'worker'"):
        read_config(text, "pyproject.toml")
    config, _ = read_config(text.replace("worker = 1\n", ""), "pyproject.toml")
    assert config.service.app == "a:b"


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\nb.c = 2\n", ("b", "c"), 2),
        ('"a b" = 1\n\'x\'."y" = 2\n', ("x", "y"), 2),
        ('a = """\n[no]\nb = 1\\"""" \nc = 2\n', ("c",), 4),
        ("a = '''\n'x''''\nc = 2\n", ("c",), 3),
        ("# [x]\na = [ # ]\n 1,\n [2, 3], ]\n[t]\nk = 1\n", ("a", 1, 0), 4),
        ("a = [ # ]\n 1,\n [2, 3], ]\n[t]\nk = 1\n", ("t", "k"), 5),
        ("[[a]]\n[[a]]\n[a.b]\nc = 1\n", ("a", 1, "b", "c"), 4),
        ("[[a]]\n[[a.b]]\n[[a.b]]\nx = { y.z = 1 }\n", ("a", 0, "b", 1, "x", "y", "z"), 4),
        ('"\\u0061" = 1\r\nb = 2\r\n', ("a",), 1),
        ("d = 1979-05-27 07:32:00 # x\nz = +inf\n", ("z",), 2),
    ],
)
def test_each_key_is_found_on_its_line(text: str, path: tuple[str | int, ...], line: int) -> None:
    found: object = tomllib.loads(text)
    for part in path:
        found = found[part]  # type: ignore[index]
    assert lines_of(text)[path] == line


def test_the_committed_schema_is_the_current_one() -> None:
    committed = (ROOT / "docs/schema/syncline.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(), "syncline config schema > docs/schema/syncline.schema.json"
    assert json.loads(committed)["required"] == ["service"]


def test_the_reference_holds_every_key() -> None:
    text = (ROOT / "docs/config.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- keys: begin -->\n(.*)<!-- keys: end -->", text, re.DOTALL)
    assert found is not None
    assert found[1] == reference(), "put the output of: syncline config keys, between the marks"
    assert {entry.name for entry in entries()} >= {"app", "init_sql", "capture", "what_ifs", "rate"}


def test_every_key_says_what_it_means() -> None:
    assert [entry for entry in entries() if not entry.about.endswith(".")] == []


@pytest.mark.parametrize("name", ["config.md", "your-service.md"])
def test_the_examples_of_the_documents_keep_to_the_schema(name: str) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        service = "" if "[service]" in block else '\n[service]\napp = "a:b"\n'
        read_config(block + service, name)
