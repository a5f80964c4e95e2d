"""Rules read what observers tell: a name that is misspelt reads nothing, and says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import syncline_probe
from syncline.diagnosis import names
from syncline.observe.probe_series import is_count

PACKAGE = Path(names.__file__).parents[1]
PROBE = Path(syncline_probe.__file__).parent
# Who tells the names that begin so, and what is formatted into them.
SOURCES = {
    "probe": PROBE,
    **dict.fromkeys(("process", "machine", "sockets", "listen"), PACKAGE / "observe"),
    **dict.fromkeys(("postgres", "mariadb", "valkey"), PACKAGE / "observe"),
}


def every_name() -> Iterator[str]:
    """All quantities that the rules know, with the families' names filled in."""
    for key, value in vars(names).items():
        if not key.isupper() or key in ("POOLS", "HTTP_POOLS", "DATABASES"):
            continue
        found = value.values() if isinstance(value, dict) else value
        for one in [found] if isinstance(found, str) else found:
            families = names.POOLS + names.HTTP_POOLS if key.startswith("POOL_") else ()
            for family in families or (names.DATABASES if "{}" in one else ("",)):
                if "." in (name := one.format(family)):
                    yield name


def written(name: str) -> bool:
    """Whether the code of that name's observer has it, whole or as its last part."""
    observer, _, rest = name.partition(".")
    text = "\n".join(path.read_text() for path in SOURCES[observer].rglob("*.py"))
    parts = [rest, rest.removeprefix("pool_").removeprefix("http_pool_")]
    parts += [rest.partition("_")[2]] if rest.startswith(("answer_", "log_")) else []
    parts += [rest.rpartition(".")[2], rest.rstrip(".")]
    parts += [part.removesuffix("_total") for part in parts[:1]]
    return any(re.search(rf"[\"'.{{}}_]{re.escape(part)}[\"'.]", text) for part in parts if part)


@pytest.mark.parametrize("name", sorted(set(every_name())))
def test_a_rule_reads_what_an_observer_tells(name: str) -> None:
    assert written(name)


def test_a_misspelt_name_would_be_noticed() -> None:
    assert not written("probe.requestsinside_s_total")
    assert not written("process.cpu_corse")


def test_the_number_of_thread_tokens_is_no_count_from_the_loads_begin() -> None:
    assert not is_count(names.TOKENS.removeprefix("probe."))
