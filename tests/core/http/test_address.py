"""Which addresses are public, as a table, and what the operator's list opens."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from core.http.address import Allowed, is_public

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "::ffff:8.8.8.8",  # IPv4-mapped
    "64:ff9b::808:808",  # NAT64
]
NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",  # carrier-grade NAT
    "100.100.100.200",  # Alibaba's metadata
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # Azure's metadata
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",  # IPv4-compatible
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1",  # IPv4-translated
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",  # NAT64 for local use
    "100::1",
    "2001::1",  # Teredo
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:808:808::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # AWS's metadata
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_reached(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_no_other_address_is(text: str) -> None:
    assert not is_public(ip_address(text))
    assert not Allowed().permits("example.com", 443, ip_address(text))


@pytest.mark.parametrize(
    ("allow", "host", "port", "address", "is_permitted"),
    [
        ("127.0.0.1", "127.0.0.1", 80, "127.0.0.1", True),
        ("127.0.0.1", "evil.example", 80, "127.0.0.1", True),
        ("127.0.0.1:8080", "a", 8080, "127.0.0.1", True),
        ("127.0.0.1:8080", "a", 80, "127.0.0.1", False),
        ("127.0.0.1", "a", 80, "::ffff:127.0.0.1", True),
        ("10.1.0.0/16", "a", 80, "10.1.2.3", True),
        ("10.1.0.0/16", "a", 80, "10.2.2.3", False),
        ("[::1]:9000", "::1", 9000, "::1", True),
        ("[::1]:9000", "::1", 9001, "::1", False),
        ("fd12::/16, models.lan", "a", 80, "fd12::5", True),
        ("fd12::/16, models.lan", "models.lan", 80, "192.168.0.7", True),
        ("Models.LAN:11434", "models.lan", 11434, "192.168.0.7", True),
        ("models.lan:11434", "models.lan", 22, "192.168.0.7", False),
        ("models.lan", "not-models.lan", 80, "192.168.0.7", False),
        ("models.lan", "models.lan", 80, "169.254.169.254", False),  # a name opens no metadata
        ("models.lan", "models.lan", 80, "fd00:ec2::254", False),
        ("169.254.169.254", "a", 80, "169.254.169.254", True),  # said in so many words
        ("", "a", 80, "127.0.0.1", False),
    ],
)
def test_operator_opens_exactly_what_is_listed(
    allow: str, host: str, port: int, address: str, is_permitted: bool
) -> None:
    assert Allowed.parse(allow).permits(host, port, ip_address(address)) is is_permitted


@pytest.mark.parametrize("entry", ["*", "*.lan", "10.0.0.0/99", "http://a/b", ":80", "a@b"])
def test_list_with_an_unreadable_entry_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="NUXA_OUTGOING_ALLOW"):
        Allowed.parse(entry)
