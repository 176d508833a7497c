"""Pages of other origins call the API and open sockets only where a setting lists them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import socketio
from pydantic import ValidationError
from socketio.exceptions import ConnectionError as Refused

from api.app import create_app
from core.config import Settings
from tests.api.conftest import Member, serving

LISTED, FOREIGN = "https://app.example", "https://evil.example"
PREFLIGHT = {
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization,content-type,x-api-key",
}


@asynccontextmanager
async def _service(settings: Settings, origins: str) -> AsyncIterator[str]:
    settings = settings.model_copy(update={"cors_origins": origins})
    async with serving(settings, create_app(settings)) as url:
        yield url


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[str]:
    async with _service(settings, f"{LISTED}, http://localhost:3000") as url:
        yield url


async def test_preflight_by_default_is_not_answered(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.options("/api/user", headers={"Origin": LISTED, **PREFLIGHT})
    assert answer.status_code >= 400
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_preflight_of_a_listed_origin_is_answered_and_cached(service: str) -> None:
    async with httpx.AsyncClient(base_url=service) as client:
        answer = await client.options("/api/user", headers={"Origin": LISTED, **PREFLIGHT})
        refused = await client.options("/api/user", headers={"Origin": FOREIGN, **PREFLIGHT})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == LISTED
    assert int(answer.headers["access-control-max-age"]) >= 600
    assert "access-control-allow-origin" not in refused.headers


async def test_answer_to_a_listed_origin_exposes_headers(service: str, member: Member) -> None:
    key = {"x-api-key": member.program.headers["x-api-key"]}
    async with httpx.AsyncClient(base_url=service, headers=key) as client:
        listed = await client.get("/api/user", headers={"Origin": LISTED})
        foreign = await client.get("/api/user", headers={"Origin": FOREIGN})
        missing = await client.get("/api/nothing", headers={"Origin": LISTED})
    assert listed.status_code == 200
    assert listed.headers["access-control-allow-origin"] == LISTED
    assert "x-run-id" in listed.headers["access-control-expose-headers"].lower()
    assert "access-control-allow-origin" not in foreign.headers
    assert missing.headers["access-control-allow-origin"] == LISTED


@pytest.mark.parametrize(
    ("origins", "origin", "status"),
    [(LISTED, LISTED, 200), (LISTED, FOREIGN, 403), ("*", LISTED, 403), ("", LISTED, 403)],
)
async def test_write_with_a_cookie_is_allowed_for_listed_origins_alone(
    settings: Settings, member: Member, origins: str, origin: str, status: int
) -> None:
    async with (
        _service(settings, origins) as url,
        httpx.AsyncClient(base_url=url, cookies=member.browser.cookies) as client,
    ):
        # Cookies of the fixture's client belong to its host, which is the same here.
        answer = await client.patch("/api/user", json={"name": "Ada"}, headers={"Origin": origin})
    assert answer.status_code == status
    credentials = answer.headers.get("access-control-allow-credentials")
    assert credentials == ("true" if origins == LISTED else None)


@pytest.mark.parametrize("origin", ["https://", "app.example", "https://a.example/path", "null"])
def test_settings_given_no_origin_are_refused(origin: str) -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, cors_origins=origin)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("origin", "is_admitted"), [(LISTED, True), (FOREIGN, False), (None, True)]
)
async def test_socket_of_an_origin_is_admitted_where_it_is_listed(
    service: str, member: Member, origin: str | None, is_admitted: bool
) -> None:
    await _connect(service, member, origin, is_admitted)


@pytest.mark.parametrize(
    ("origin", "is_admitted"), [(LISTED, True), (FOREIGN, False), (None, True)]
)
async def test_polling_handshake_of_an_origin_is_answered_where_it_is_listed(
    service: str, origin: str | None, is_admitted: bool
) -> None:
    headers = {"Origin": origin} if origin else {}
    async with httpx.AsyncClient(base_url=service, headers=headers) as client:
        answer = await client.get("/socket.io/?EIO=4&transport=polling")
    assert answer.is_success is is_admitted
    shown_to = answer.headers.get("access-control-allow-origin")
    assert shown_to == (origin if is_admitted else None)


async def test_socket_of_the_own_origin_is_admitted_beside_a_list(
    service: str, member: Member
) -> None:
    await _connect(service, member, service, True)


async def _connect(url: str, member: Member, origin: str | None, is_admitted: bool) -> None:
    client = socketio.AsyncClient(reconnection=False)
    headers = {"Origin": origin} if origin else {}
    auth = {"token": member.program.headers["x-api-key"]}
    connecting = client.connect(url, headers=headers, auth=auth, transports=["websocket"])
    try:
        if is_admitted:
            await connecting
            assert client.connected
        else:
            with pytest.raises(Refused):
                await connecting
    finally:
        await client.disconnect()
