"""The ways in: a client of the same person for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import httpx

from api.endpoint import ENDPOINTS
from tests.api.conforms import conforms
from tests.api.conftest import Member

Way = Callable[[Member], Awaitable[httpx.AsyncClient]]


async def _cookie(person: Member) -> httpx.AsyncClient:
    return person.browser


async def _key(person: Member) -> httpx.AsyncClient:
    return person.program


async def _bearer_of_key(person: Member) -> httpx.AsyncClient:
    """A token that stands for the key; the key itself where no tokens are given."""
    token = person.program.headers["x-api-key"]
    if any(route.name == "POST /api/auth/token" for route in ENDPOINTS):
        asked = {"grant_type": "client_credentials", "client_secret": token}
        async with httpx.AsyncClient(base_url=person.program.base_url) as client:
            token = (await client.post("/api/auth/token", json=asked)).json()["access_token"]
    return httpx.AsyncClient(
        base_url=person.program.base_url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
        event_hooks={"response": [conforms]},
    )


WAYS: Final[dict[str, tuple[str, Way]]] = {
    "cookie": ("session", _cookie),
    "key": ("key", _key),
    "bearer": ("key", _bearer_of_key),
}
"""By name: as what the caller counts, and how to get a client."""
