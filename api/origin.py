"""Check of the origin of writes that a browser may send with a cookie."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers

from api.call import Facts
from core.config import ANY_ORIGIN, Settings
from core.errors import Forbidden

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def check(facts: Facts, settings: Settings) -> None:
    """Raise ``Forbidden`` for a write from another site; programs send no ``Origin`` and pass."""
    if facts.method not in _SAFE:
        check_write(facts.headers, settings, facts.scheme)


def check_write(headers: Headers, settings: Settings, scheme: str) -> None:
    """Raise ``Forbidden`` unless a write may come from a page of our own, or a listed origin."""
    origin = headers.get("Origin")
    if origin is None:
        is_foreign = headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
    else:
        is_foreign = not (
            is_same_origin(origin, headers, settings, scheme) or _may_use_cookies(origin, settings)
        )
    if is_foreign:
        raise Forbidden("This request comes from another site; use an API key from there.")


def _may_use_cookies(origin: str, settings: Settings) -> bool:
    origins = settings.allowed_origins
    return ANY_ORIGIN not in origins and origin.lower() in origins


def is_same_origin(origin: str, headers: Headers, settings: Settings, scheme: str) -> bool:
    """Whether an origin is the service's own."""
    ours = urlsplit(settings.base_url)
    if origin.lower() == f"{ours.scheme}://{ours.netloc}".lower():
        return True
    # Without a public URL set, whatever name the browser reached us under is our name.
    host = headers.get("Host", "")
    return (
        settings.public_url is None
        and host != ""
        and origin.lower() == f"{scheme}://{host}".lower()
    )
