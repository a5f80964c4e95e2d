"""Row 22: certificates that do not hold, alerts, and what the user may overrule."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import trustme

from syncline.outcome import LoadResult
from syncline.plan import Timeouts, Tls

from .invariants import check
from .plans import a_few
from .runner import run
from .servers import Conn, Truth, serve
from .servers.behaviours import Reply
from .servers.framework import Listen, ServerTls
from .servers.threaded import Threaded

COUNT = 6
HTTPS = Listen(scheme="https")
YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Files:
    """PEM files: an authority that the client trusts, and what servers and clients show."""

    ca: str
    good: str
    expired: str
    wrong_name: str
    unknown_ca: str
    client: str


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("tls")
    authority, stranger = trustme.CA(), trustme.CA()

    def shown(name: str, cert: trustme.LeafCert) -> str:
        path = folder / f"{name}.pem"
        cert.private_key_and_cert_chain_pem.write_to_path(str(path))
        return str(path)

    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    long_ago = YESTERDAY - datetime.timedelta(days=30)
    return Files(
        ca=str(folder / "ca.pem"),
        good=shown("good", authority.issue_cert("127.0.0.1", "localhost")),
        expired=shown(
            "expired",
            authority.issue_cert("127.0.0.1", not_before=long_ago, not_after=YESTERDAY),
        ),
        wrong_name=shown("wrong", authority.issue_cert("example.org")),
        unknown_ca=shown("unknown", stranger.issue_cert("127.0.0.1")),
        client=shown("client", authority.issue_cert("client@example.org")),
    )


def drive(shows: ServerTls, trusts: Tls) -> tuple[LoadResult, Truth]:
    with serve(Threaded(Reply(), shows), HTTPS) as server:
        observed = run(a_few(server.url, COUNT, tls=trusts))
        truth = server.truth()
    return check(observed), truth


def assert_refused(result: LoadResult, truth: Truth) -> None:
    assert result.errors == {"tls": COUNT}
    assert result.ok == result.sent == truth.requests == 0
    assert result.connections.failed >= COUNT


def assert_served(result: LoadResult, truth: Truth) -> None:
    assert result.ok == result.sent == truth.requests == truth.answered == COUNT
    assert result.failed == 0
    assert truth.connections == 2


def test_row_22_a_certificate_that_holds_is_served(files: Files) -> None:
    assert_served(*drive(ServerTls(files.good), Tls(ca_file=files.ca)))


@pytest.mark.parametrize("fault", ["expired", "wrong_name", "unknown_ca"])
def test_row_22_a_certificate_that_does_not_hold_is_refused(files: Files, fault: str) -> None:
    result, truth = drive(ServerTls(getattr(files, fault)), Tls(ca_file=files.ca))
    assert_refused(result, truth)
    (sample,) = result.error_samples
    wanted = {"expired": "expired", "wrong_name": "name", "unknown_ca": "issuer"}
    assert wanted[fault] in sample.sample.lower(), "the reason stands in the sample"


def test_row_22_the_system_s_authorities_do_not_know_ours(files: Files) -> None:
    assert_refused(*drive(ServerTls(files.good), Tls()))


@pytest.mark.parametrize("fault", ["expired", "wrong_name", "unknown_ca"])
def test_row_22_a_certificate_that_does_not_hold_is_taken_when_told_so(
    files: Files, fault: str
) -> None:
    assert_served(*drive(ServerTls(getattr(files, fault)), Tls(verify=False)))


def test_row_22_the_name_to_check_can_be_told(files: Files) -> None:
    trusts = Tls(ca_file=files.ca, server_name="example.org")
    assert_served(*drive(ServerTls(files.wrong_name), trusts))


def test_row_22_a_client_certificate_is_shown_when_demanded(files: Files) -> None:
    trusts = Tls(ca_file=files.ca, cert_file=files.client, key_file=files.client)
    assert_served(*drive(ServerTls(files.good, client_ca=files.ca), trusts))


def test_row_22_a_client_without_the_certificate_demanded_is_told_so(files: Files) -> None:
    # In TLS 1.3 the refusal comes after the client has sent its first request.
    with serve(Threaded(Reply(), ServerTls(files.good, client_ca=files.ca)), HTTPS) as server:
        result = check(run(a_few(server.url, COUNT, tls=Tls(ca_file=files.ca))))
        truth = server.truth()
    assert result.errors == {"tls": COUNT}
    assert truth.requests == 0
    assert truth.handshakes_failed >= COUNT


def alert(conn: Conn) -> None:
    """Answers the client's first flight with a fatal alert, handshake_failure."""
    conn.send(b"\x15\x03\x03\x00\x02\x02\x28")
    conn.close()


def rubbish(conn: Conn) -> None:
    """Answers the client's first flight with what is no TLS at all."""
    conn.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    conn.close()


def hang_up(conn: Conn) -> None:
    """Leaves in the middle of the handshake."""
    conn.close()


@pytest.mark.parametrize("greet", [alert, rubbish, hang_up])
def test_row_22_a_handshake_that_fails_is_typed(greet: Callable[[Conn], None]) -> None:
    with serve(Threaded(Reply(), greet=greet), HTTPS) as server:
        result = check(run(a_few(server.url, COUNT, tls=Tls(verify=False))))
        truth = server.truth()
    assert_refused(result, truth)


def test_row_22_a_handshake_that_never_ends_is_a_connect_timeout() -> None:
    with serve(Threaded(Reply(), greet=Conn.hang), HTTPS) as server:
        plan = a_few(server.url, 4, timeouts=Timeouts(connect_s=0.2), tls=Tls(verify=False))
        result = check(run(plan))
    assert result.errors == {"connect-timeout": 4}
