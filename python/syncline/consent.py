"""Which targets may be loaded without asking: one's own machine and private networks.

Load that meets a stranger's service is an attack, whatever was meant. So a target with any
public address needs ``--i-may-load HOST``: a sentence by the user, for that host only, that its
owner agrees. The check is made on *all* addresses that a name resolves to, since the engine may
connect to any of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from syncline.errors import UsageError

Address = IPv4Address | IPv6Address

# Listed here and not taken from ``is_private``: that also holds for addresses that documents or
# protocols reserve, and its meaning has changed between Python versions.
_FREE = tuple(
    ip_network(text)
    for text in (
        "127.0.0.0/8",  # loopback, RFC 1122
        "::1/128",
        "0.0.0.0/32",  # "this host": connecting to it reaches loopback
        "::/128",
        "10.0.0.0/8",  # private, RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",  # unique local, RFC 4193
        "169.254.0.0/16",  # link-local, RFC 3927
        "fe80::/10",
    )
)


class ConsentError(UsageError):
    """The target is public and nobody said that it may be loaded."""


def is_free(address: str) -> bool:
    """Whether an address may be loaded without consent.

    Args:
        address: a numeric address; a zone (``fe80::1%eth0``) is ignored.

    Raises:
        ValueError: it is no address.
    """
    parsed = _unmapped(ip_address(address.partition("%")[0]))
    return any(parsed.version == network.version and parsed in network for network in _FREE)


def check_consent(host: str, addresses: Iterable[str], allowed: Iterable[str]) -> None:
    """Pass if every address is free or the host is allowed by name.

    Args:
        host: as it stands in the target's URL.
        addresses: all addresses that it resolves to.
        allowed: the hosts that the user said may be loaded.

    Raises:
        ConsentError: neither; the message says why it matters and what to type.
    """
    if any(same_host(host, other) for other in allowed):
        return
    public = tuple(address for address in addresses if not is_free(address))
    if public:
        where = "" if public[0] == host.strip("[]") else f" ({public[0]})"
        raise ConsentError(
            f"{host}{where} is not on this machine or a private network, and load on a service "
            f"whose owner has not agreed is an attack on it. If you may load it, add "
            f"--i-may-load {host}."
        )


def same_host(one: str, other: str) -> bool:
    """Whether two spellings name the same host: case, a final dot, brackets do not matter."""
    return _canonical(one) == _canonical(other)


def _canonical(host: str) -> str:
    name = host.strip().strip("[]").rstrip(".").lower()
    try:
        return str(_unmapped(ip_address(name)))
    except ValueError:
        return name


def _unmapped(address: Address) -> Address:
    """An IPv4 address in an IPv6 coat, without its coat."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
