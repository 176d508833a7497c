"""Writes that a browser may send with somebody's cookie must come from our own pages."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from api.call import Facts
from core.config import Settings
from core.errors import Forbidden

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def check(facts: Facts, settings: Settings) -> None:
    """Raise ``Forbidden`` for a write from another site; programs send no ``Origin`` and pass."""
    if facts.method in _SAFE:
        return
    origin = facts.headers.get("Origin")
    if origin is None:
        is_foreign = facts.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
    else:
        is_foreign = not _is_ours(origin, facts, settings)
    if is_foreign:
        raise Forbidden("This request comes from another site; use an API key from there.")


def _is_ours(origin: str, facts: Facts, settings: Settings) -> bool:
    ours = urlsplit(settings.base_url)
    if origin.lower() == f"{ours.scheme}://{ours.netloc}".lower():
        return True
    # Without a public URL set, whatever name the browser reached us under is our name.
    host = facts.headers.get("Host", "")
    return settings.public_url is None and urlsplit(origin).netloc.lower() == host.lower() != ""
