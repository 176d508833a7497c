"""Which addresses a call may reach: the public ones, and those that the operator allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# IANA's special-purpose registry (RFC 6890 and its updates), with multicast and class E.
_SPECIAL_4: Final = tuple(
    IPv4Network(text)
    for text in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",
    ]
)
# Only 2000::/3 is global unicast; these parts of it are not, or hide an IPv4 address (6to4, Teredo)
_GLOBAL_6: Final = IPv6Network("2000::/3")
_SPECIAL_6: Final = tuple(
    IPv6Network(text) for text in ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
# Addresses that hand out a cloud machine's keys, or speak to many: allowing a name is not enough.
_NEVER_BY_NAME: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in [
        "0.0.0.0/8",
        "169.254.0.0/16",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fe80::/10",
        "fd00:ec2::/32",
        "ff00::/8",
    ]
)


def unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped or NAT64 address stands for."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet."""
    address = unwrapped(address)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_4)
    return address in _GLOBAL_6 and not any(address in network for network in _SPECIAL_6)


@dataclass(frozen=True)
class Allowed:
    """What may be reached though it is not public; ``None`` for a port means every port."""

    names: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[tuple[Network, int | None], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Allowed:
        """Read ``NUXA_OUTGOING_ALLOW``: names, addresses or CIDRs, each with ``:port`` or without.

        Raises ``ValueError`` for an entry that is none of these.
        """
        allowed = cls()
        for entry in text.replace(",", " ").split():
            allowed = allowed._with_entry(entry.lower())
        return allowed

    def _with_entry(self, entry: str) -> Allowed:
        network = _network(entry)
        host, port = (entry, None) if network else _split_port(entry)
        network = network or _network(host.strip("[]"))
        if network:
            return replace(self, networks=(*self.networks, (network, port)))
        return self.with_name(host, port)

    def with_name(self, host: str, port: int | None) -> Allowed:
        """Return this list with one more host; an address counts as a host too."""
        if not host or any(sign in host for sign in "/*@[]"):
            raise ValueError(f"NUXA_OUTGOING_ALLOW: {host!r} is no host, address or CIDR.")
        return replace(self, names=self.names | {(host.removesuffix("."), port)})

    def permits(self, host: str, port: int, address: Address) -> bool:
        """Whether a call to a host that resolved to this address may be made."""
        address = unwrapped(address)
        if is_public(address):
            return True
        if any(p in (None, port) and address in network for network, p in self.networks):
            return True
        if any(address in network for network in _NEVER_BY_NAME):
            return False
        return (host, None) in self.names or (host, port) in self.names


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _split_port(entry: str) -> tuple[str, int | None]:
    host, colon, port = entry.rpartition(":")
    return (host, int(port)) if colon and port.isdigit() else (entry, None)


def parse_address(text: str) -> Address | None:
    """Return the address that a host is written as, or ``None`` for a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None
