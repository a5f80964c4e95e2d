"""``--what-if`` makes one more variant for each of those chosen, or says why it cannot."""

from __future__ import annotations

import pytest
from click.shell_completion import ShellComplete

import syncline_cases
from syncline.cli import cli
from syncline.cli.what_ifs import with_what_ifs
from syncline.errors import UsageError
from syncline.judge import faulty_variants
from syncline.whatif import CATALOGUE, parse

USERS = syncline_cases.load_case("users")


def test_each_what_if_makes_a_variant_beside_each_original() -> None:
    case, names = with_what_ifs(
        USERS, ("sync", "async"), (parse("pool_size=50"), parse("tokens=9,echo=on"))
    )
    assert names == (
        *("sync", "sync+pool_size=50", "sync+tokens=9,echo=on"),
        *("async", "async+pool_size=50", "async+tokens=9,echo=on"),
    )
    assert case.variant("async+pool_size=50").what_ifs == {"pool_size": "50"}
    assert case.variant("sync") == USERS.variant("sync")


def test_the_same_what_if_twice_is_one_variant_and_none_changes_nothing() -> None:
    asked = (parse("pool_size=50"), parse("pool-size=050"))
    assert with_what_ifs(USERS, ("sync",), asked)[1] == ("sync", "sync+pool_size=50")
    assert with_what_ifs(USERS, ("sync",), ()) == (USERS, ("sync",))


def test_what_is_known_to_fail_is_not_promised_to_be_mended() -> None:
    case, _ = with_what_ifs(USERS, ("sync", "async"), (parse("pool_size=50"),))
    assert "sync+pool_size=50" in faulty_variants(case)
    assert "async+pool_size=50" not in faulty_variants(case)


def test_what_the_run_cannot_impose_is_refused() -> None:
    with pytest.raises(UsageError, match="imposed by the probe; leave out --no-probe"):
        with_what_ifs(USERS, ("sync",), (parse("pool_size=5"),), probe=False)
    with_what_ifs(USERS, ("sync",), (parse("workers=2"),), probe=False)
    with pytest.raises(UsageError, match="on your own postgres"):
        with_what_ifs(USERS, ("sync",), (parse("max_connections=50"),), own_servers=["postgres"])
    httpd = syncline_cases.load_case("httpd")
    with pytest.raises(UsageError, match="httpd has no database"):
        with_what_ifs(httpd, httpd.default_variants, (parse("max_connections=50"),))


def test_the_shell_completes_the_names_also_after_a_comma() -> None:
    complete = ShellComplete(cli, {}, "syncline", "_SYNCLINE_COMPLETE").get_completions
    found = [item.value for item in complete(["run", "users", "--what-if"], "pool_")]
    assert found == ["pool_size=", "pool_timeout=", "pool_pre_ping="]
    found = [item.value for item in complete(["serve", "users", "--what-if"], "echo=on,tok")]
    assert found == ["echo=on,tokens="]


def test_the_help_of_run_lists_every_what_if() -> None:
    command = cli.get_command(None, "run")  # type: ignore[arg-type]
    assert command is not None
    assert [name for name in CATALOGUE if name not in (command.epilog or "")] == []
