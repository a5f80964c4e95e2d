"""What the documents say exists, and what exists is said somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest

from syncline.cli import cli
from syncline.cli.group import COMMANDS
from syncline.outcome import ErrorKind
from tests.unit.layers import FACADE, ROWS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def _command(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, f"there is no command {name!r}"
    return command


@pytest.fixture(params=list(COMMANDS))
def name(request: pytest.FixtureRequest) -> str:
    """Each command's name in turn."""
    return str(request.param)


def test_a_command_says_what_it_does_and_shows_an_example(name: str) -> None:
    context = click.Context(_command(name), info_name=f"syncline {name}")
    text = _command(name).get_help(context)
    assert _command(name).help, "no description"
    assert re.search(r"Example", text), "no example"
    assert f"syncline {name}" in text.partition("Example")[2], "no example of this command"


def test_the_examples_of_a_command_can_be_typed(name: str) -> None:
    for words in _calls(_command(name).epilog or ""):
        _assert_is_known(words)


# Where the letters are those of wrk and ab, the name says enough.
SPEAK_FOR_THEMSELVES = {"connections", "threads"}


def test_every_option_is_explained(name: str) -> None:
    silent = [
        option.name
        for option in _command(name).params
        if isinstance(option, click.Option) and not option.help and not option.hidden
    ]
    assert set(silent) <= SPEAK_FOR_THEMSELVES


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_documents_exist(path: Path) -> None:
    for words in _calls(_code(path.read_text(encoding="utf-8"))):
        _assert_is_known(words)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_in_documents_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    said = re.findall(r"\bmake ([a-z][a-z-]*)", _code(path.read_text(encoding="utf-8")))
    assert set(said) <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_in_documents_resolve(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in _anchors(linked.read_text(encoding="utf-8")), (
                f"no heading for {target}"
            )


def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"syncline {name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_map_knows_every_error_kind_and_every_room() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert [kind for kind in get_args(ErrorKind) if f"`{kind}`" not in text] == []
    rooms = {room for row in ROWS for room in row.rooms} - {FACADE, "__main__"}
    assert [room for room in sorted(rooms) if not re.search(rf"\b{room}\b", text)] == []
    assert "(planned)" not in text


def test_every_page_is_in_the_site_once() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    listed = re.findall(r": (\S+\.md)$", nav, re.MULTILINE)
    pages = [str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")]
    own = sorted(name for name in listed if not name.startswith("repository/"))
    assert own == sorted(pages), "each page stands once in the nav of mkdocs.yml"


def _code(text: str) -> str:
    """Fenced blocks and code spans, a line each."""
    blocks = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return "\n".join([*blocks, *spans])


def _calls(text: str) -> Iterator[list[str]]:
    """The words after ``syncline`` in each line that calls it."""
    for line in text.splitlines():
        found = re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?syncline (.*)", line)
        if not found:
            continue
        words = shlex.split(re.split(r"\s+#|\s>", found[1])[0])
        if words and re.fullmatch(r"[a-z-]+", words[0]):
            yield words


def _assert_is_known(words: list[str]) -> None:
    if words[0].startswith("-"):
        group = {name for option in cli.params for name in option.opts}
        assert words[0] in {*group, "--help", "-h"}, words[0]
        return
    command = _command(words[0])
    known = {
        name for option in command.params for name in [*option.opts, *option.secondary_opts]
    } | {"--help", "-h"}
    for word in words[1:]:
        if re.match(r"--?[A-Za-z]", word):
            assert word.partition("=")[0] in known, f"{words[0]} has no option {word}"


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
