"""One hop of a call: what is sent to one URL, and where a redirect leads from there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from core.http.errors import HeaderRefused, RedirectRefused, UrlMalformed
from core.http.url import is_same_site, read_url

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")
_METHOD: Final = re.compile(r"[A-Z]{1,20}")
# Written by the client; a caller's own could name another host, or split one request into two.
OURS: Final = frozenset(
    [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept-encoding",
    ]
)
# All that may follow to another origin; any other header might be a credential.
_HARMLESS: Final = frozenset({"accept", "accept-language", "content-type", "user-agent"})
_OWN: Final = {"user-agent": "nuxa-flow", "accept": "*/*", "accept-encoding": "gzip"}


@dataclass(frozen=True)
class Hop:
    """What is sent to one URL."""

    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    body: bytes

    def following(self, response: httpx.Response) -> Hop | None:
        """Return the next hop of a redirect, or ``None`` for any other answer.

        Across origins only harmless headers go on, and no body does: raises ``RedirectRefused``.
        As browsers do, 303 becomes a GET, and so do 301 and 302 of a POST.
        """
        location = response.headers.get("location")
        if response.status_code not in _REDIRECTS or location is None:
            return None
        url = self._join(location)
        method, body, headers = self.method, self.body, dict(self.headers)
        status = response.status_code
        if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
            method, body = "GET", b""
            headers.pop("content-type", None)
        if not is_same_site(self.url, url):
            if body:
                raise RedirectRefused(
                    f"{self.url.host} redirects to {url.host}, which would be sent the body; call "
                    "that URL itself if it is the right one."
                )
            headers = {n: v for n, v in headers.items() if n in _HARMLESS or n in _OWN}
        return Hop(method, url, headers, body)

    def _join(self, location: str) -> httpx.URL:
        if "\\" in location:
            raise RedirectRefused(f"{self.url.host} redirects to a URL that cannot be read.")
        try:
            return read_url(str(self.url.join(location)))
        except (httpx.InvalidURL, UrlMalformed) as error:
            raise RedirectRefused(
                f"{self.url.host} redirects to a URL that is not called: {error}"
            ) from error


def first_hop(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Hop:
    """Return the first hop of a call; raises ``UrlMalformed`` or ``HeaderRefused``."""
    if not _METHOD.fullmatch(method):
        raise HeaderRefused("The method must be one such as GET or POST, in capitals.")
    given: dict[str, str] = {}
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value.strip()):
            raise HeaderRefused(f"The header {name[:60]!r} holds characters that none may hold.")
        if name.lower() in OURS:
            raise HeaderRefused(f"Leave out the header {name}; it is written for you.")
        given[name.lower()] = value.strip()
    return Hop(method, read_url(url), {**_OWN, **given}, body)
