"""Nobody's service is loaded without the user's word that its owner agrees."""

from __future__ import annotations

import pytest

from syncline.cli.target import admit, parse_target
from syncline.consent import ConsentError, check_consent, is_free, same_host
from syncline.errors import UsageError


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "::1", "0.0.0.0", "10.1.2.3", "172.31.255.255"),
        *("192.168.0.9", "169.254.1.1", "fe80::1%eth0", "fd12::1", "::ffff:127.0.0.1"),
    ],
)
def test_own_and_private_addresses_are_free(address: str) -> None:
    assert is_free(address)


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "172.32.0.1", "172.15.0.1", "192.169.0.1", "100.64.0.1", "203.0.113.5"),
        *("2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::7f00:1", "198.18.0.1"),
    ],
)
def test_other_addresses_need_consent(address: str) -> None:
    assert not is_free(address)
    with pytest.raises(ConsentError, match=r"--i-may-load example\.test"):
        check_consent("example.test", [address], [])


def test_one_public_address_among_private_ones_needs_consent() -> None:
    with pytest.raises(ConsentError, match=r"8\.8\.8\.8"):
        check_consent("example.test", ["127.0.0.1", "8.8.8.8"], [])


def test_consent_is_for_one_host_only() -> None:
    check_consent("Example.test.", ["8.8.8.8"], ["example.TEST"])
    with pytest.raises(ConsentError):
        check_consent("example.test", ["8.8.8.8"], ["test", "sub.example.test", "*"])


def test_spellings_of_one_host_are_the_same() -> None:
    assert same_host("[2606:4700::1111]", "2606:4700:0:0::1111")
    assert not same_host("example.test", "example.test.evil.test")


def test_the_message_says_why_and_what_to_type() -> None:
    with pytest.raises(ConsentError) as caught:
        check_consent("1.1.1.1", ["1.1.1.1"], [])
    assert "owner" in str(caught.value)
    assert "--i-may-load 1.1.1.1" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_harmless_name_is_judged_by_what_it_resolves_to() -> None:
    target = parse_target("http://localhost.example.test/")
    with pytest.raises(ConsentError):
        admit(target, [], lambda _host, _port: ("127.0.0.1", "93.184.216.34"))


def test_a_unix_socket_needs_no_consent_and_no_resolver() -> None:
    def never(host: str, port: int) -> tuple[str, ...]:
        raise AssertionError("a Unix socket was resolved")

    admit(parse_target("http://example.com/x", "/run/app.sock"), [], never)


def test_a_name_that_does_not_resolve_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"no-such-host\.invalid does not resolve"):
        admit(parse_target("http://no-such-host.invalid/"), [])
