"""The ways in: a client of the same person for each, with all that she may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import httpx

from tests.api.bearers import bearer_of_key, bearer_of_session
from tests.api.conforms import conforms
from tests.api.conftest import TLS, Member

Way = Callable[[Member], Awaitable[httpx.AsyncClient]]


async def _cookie(person: Member) -> httpx.AsyncClient:
    return person.browser


async def _bearer_of_session(person: Member) -> httpx.AsyncClient:
    token = await bearer_of_session(person)
    return _client(person, {"Authorization": f"Bearer {token}"})


async def _key(person: Member) -> httpx.AsyncClient:
    asked = {"name": "all", "scopes": ["admin"]}
    answer = await person.browser.post("/api/auth/api-keys", json=asked)
    return _client(person, {"x-api-key": answer.json()["key"]})


async def _bearer_of_key(person: Member) -> httpx.AsyncClient:
    token = await bearer_of_key(replace(person, program=await _key(person)))
    return _client(person, {"Authorization": f"Bearer {token}"})


def _client(person: Member, headers: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=person.program.base_url,
        headers=headers,
        timeout=30,
        event_hooks={"response": [conforms]},
        verify=TLS,
    )


WAYS: Final[dict[str, tuple[str, Way]]] = {
    "cookie": ("session", _cookie),
    "bearer of a session": ("program", _bearer_of_session),
    "key": ("key", _key),
    "bearer of a key": ("key", _bearer_of_key),
}
"""By name: as what the caller counts, and how to get a client."""
