"""Reading a URL in exactly one way, so that what is checked is what is called."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import Final, TypeAlias

import httpx

from core.http.address import parse_address
from core.http.errors import UrlMalformed

LONGEST_URL: Final = 8192
_PORTS: Final = {"http": 80, "https": 443}
# Control characters and backslashes: parsers disagree on what they end or separate.
_AMBIGUOUS: Final = re.compile(r"[\x00-\x1f\x7f\\]")
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")

Origin: TypeAlias = tuple[str, str, int]


def read_url(text: str) -> httpx.URL:
    """Return the URL of a call, its host lower-case and without a final dot.

    Raises :class:`UrlMalformed` for other schemes, user names and passwords, hosts written in
    decimal, octal or hexadecimal, zone ids, and whatever parsers read differently.
    """
    text = text.strip()
    if len(text) > LONGEST_URL:
        raise UrlMalformed(f"The URL is longer than {LONGEST_URL} characters; send a body instead.")
    if _AMBIGUOUS.search(text):
        raise UrlMalformed("The URL holds a backslash or a control character; percent-encode it.")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlMalformed(f"This is not a URL that can be called: {error}.") from error
    if url.scheme not in _PORTS:
        raise UrlMalformed("Only URLs that begin with https:// or http:// are called.")
    if url.userinfo:
        raise UrlMalformed(
            "Take the user name and password out of the URL and send them in a header."
        )
    if url.port is not None and not 0 < url.port < 65536:
        raise UrlMalformed("The URL's port must be between 1 and 65535.")
    return url.copy_with(host=_host(url), fragment=None)


def _host(url: httpx.URL) -> str:
    host = url.raw_host.decode("ascii").removesuffix(".")
    if ":" in host:
        if parse_address(host) is None or "%" in host:
            raise UrlMalformed("The URL's IPv6 address cannot be read; write it without a zone.")
        return host
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise UrlMalformed("The URL has no valid host name.")
    if _NUMBER.fullmatch(host.rpartition(".")[2]) and not _is_dotted_quad(host):
        raise UrlMalformed("Write the URL's IPv4 address as four decimal numbers with dots.")
    return host


def _is_dotted_quad(host: str) -> bool:
    address = parse_address(host)
    return isinstance(address, IPv4Address) and str(address) == host


def origin(url: httpx.URL) -> Origin:
    """Return scheme, host and port: what credentials belong to."""
    return url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]


def is_same_origin(one: str | None, other: str) -> bool:
    """Whether two URLs are of one scheme, host and port; None is of no other's."""
    return one is not None and origin(read_url(one)) == origin(read_url(other))


def is_same_site(before: httpx.URL, after: httpx.URL) -> bool:
    """Whether credentials for one URL may go to the other: equal origins, or http made https."""
    if origin(before) == origin(after):
        return True
    upgraded = (before.scheme, before.port) == ("http", None) and origin(after)[0] == "https"
    return upgraded and before.host == after.host and origin(after)[2] == _PORTS["https"]
