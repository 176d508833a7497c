"""The address of the client, behind proxies that the operator trusts."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final, Literal

Header = Literal["x-forwarded-for", "forwarded"]
_MAX_HOPS: Final = 32
_SCHEMES: Final = frozenset({"http", "https"})


@lru_cache(maxsize=4096)
def address_block(address: str) -> str:
    """Return what limits count an address under: IPv4 as it is, of IPv6 the /64 of one customer."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed) if parsed else address


class TrustedProxies:
    """The proxies of ``NUXA_TRUSTED_PROXIES``, whose word about the client counts.

    Only the one header is read that the proxies are known to set: any other is passed on from the
    client, who writes there what suits.
    """

    def __init__(self, networks: Iterable[str], header: Header = "x-forwarded-for") -> None:
        self._networks = [ip_network(each, strict=False) for each in networks]
        self._header = header.encode()

    def is_trusted(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def resolve(self, scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Return an ASGI scope with the client's own address and scheme."""
        peer = scope.get("client")
        if not self._networks or not peer or not self.is_trusted(peer[0]):
            return scope
        hops = self._hops(scope["headers"])
        client, scheme = peer[0], None
        for address, proto in reversed(hops[-_MAX_HOPS:]):
            parsed = _parse(address)
            if parsed is None:
                break
            client, scheme = str(parsed), proto or scheme
            if not self.is_trusted(client):
                break
        changed = {**scope, "client": (client, 0)}
        if scheme in _SCHEMES:
            is_socket = scope["type"] == "websocket"
            changed["scheme"] = scheme.replace("http", "ws") if is_socket else scheme
        return changed

    def _hops(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str | None]]:
        """Return address and scheme of each hop, the nearest last."""
        named = list(headers)
        if self._header == b"forwarded":
            return [_read_element(each) for each in _listed(named, b"forwarded")]
        addresses = _listed(named, b"x-forwarded-for")
        schemes = _listed(named, b"x-forwarded-proto")
        # One scheme alone is that of the client's connection, whichever hop noted it.
        aligned = schemes if len(schemes) == len(addresses) else schemes[-1:] * len(addresses)
        return [
            (_without_port(address), scheme.lower() or None)
            for address, scheme in zip(addresses, aligned or [""] * len(addresses), strict=True)
        ]


def _listed(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    joined = ",".join(value.decode("latin-1") for key, value in headers if key.lower() == name)
    return [part.strip() for part in joined.split(",")] if joined else []


def _read_element(element: str) -> tuple[str, str | None]:
    """Read one element of ``Forwarded`` (RFC 7239): ``for=…;proto=…``."""
    pairs = dict(part.strip().partition("=")[::2] for part in element.split(";"))
    fields = {name.lower(): value.strip('"') for name, value in pairs.items()}
    return _without_port(fields.get("for", "")), fields.get("proto", "").lower() or None


def _without_port(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
