"""Row 25: names that do not resolve, that have one family only, that have several addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncline.errors import UsageError

from .confined import namespace
from .invariants import check
from .plans import a_few
from .runner import run, run_apart
from .servers import serve
from .servers.behaviours import Reply
from .servers.framework import Listen
from .servers.threaded import Threaded


def test_row_25_a_name_that_does_not_resolve_is_typed() -> None:
    # The top-level domain "invalid" is reserved for names that never resolve (RFC 6761).
    with pytest.raises(UsageError, match=r"does not resolve: no-such-name\.invalid"):
        run(a_few("http://no-such-name.invalid:80"))


def test_row_25_an_ipv6_address_works() -> None:
    with serve(Threaded(Reply()), Listen(host="::1")) as server:
        result = check(run(a_few(server.url)), server.truth())
    assert result.ok == 20


def test_row_25_a_unix_socket_works(tmp_path: Path) -> None:
    with serve(Threaded(Reply()), Listen(unix=tmp_path / "s")) as server:
        result = check(run(a_few(server.url)), server.truth())
    assert result.ok == 20


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("::1", ["127.0.0.1", "::1"]),
        ("127.0.0.1", ["127.0.0.1", "::1"]),
        ("::1", ["::1"]),
        ("127.0.0.3", ["127.0.0.1", "127.0.0.2", "127.0.0.3"]),
        ("127.0.0.3", ["127.0.0.3", "127.0.0.2", "127.0.0.1"]),
    ],
    ids=["v6-of-both", "v4-of-both", "v6-only", "the-last-of-three", "the-first-of-three"],
)
def test_row_25_the_address_that_serves_is_found(
    host: str, addresses: list[str], tmp_path: Path
) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("".join(f"{address} many.test\n" for address in addresses))
    with serve(Threaded(Reply()), Listen(host=host)) as server:
        plan = a_few(f"http://many.test:{server.port}")
        observed = run_apart(plan, *namespace("--mount"), hosts=str(hosts))
        truth = server.truth()
    result = check(observed)
    assert result.ok == result.sent == truth.answered == 20
    assert result.errors == {}
    assert truth.connections == result.connections.opened == 2


def test_row_25_a_name_whose_addresses_all_refuse_is_refused(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 many.test\n127.0.0.2 many.test\n")
    with serve(Threaded(Reply()), Listen(host="127.0.0.3")) as server:
        plan = a_few(f"http://many.test:{server.port}", 6)
        result = check(run_apart(plan, *namespace("--mount"), hosts=str(hosts)))
    assert result.errors == {"connect-refused": 6}
