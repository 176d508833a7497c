"""Whose word about the client's address counts."""

from __future__ import annotations

import httpx
import pytest
from pydantic import ValidationError

from api.app import create_app
from api.client_address import Header, TrustedProxies
from core.config import Settings
from core.services import Services
from tests.api.conftest import serving

PEER = "10.0.0.2"


def _resolve(
    sent: dict[str, str], trusted: list[str], header: Header = "x-forwarded-for", kind: str = "http"
) -> tuple[str, str]:
    headers = [(name.encode(), value.encode()) for name, value in sent.items()]
    scope = {"type": kind, "client": (PEER, 5), "scheme": "http", "headers": headers}
    resolved = TrustedProxies(trusted, header).resolve(scope)
    return resolved["client"][0], resolved["scheme"]


@pytest.mark.parametrize(
    ("sent", "trusted", "expected"),
    [
        ({"x-forwarded-for": "203.0.113.7"}, [], (PEER, "http")),
        ({"x-forwarded-for": "203.0.113.7"}, ["10.9.0.0/16"], (PEER, "http")),
        ({"x-forwarded-for": "203.0.113.7"}, ["10.0.0.0/24"], ("203.0.113.7", "http")),
        (
            {"x-forwarded-for": "1.1.1.1, 203.0.113.7, 10.0.0.9", "x-forwarded-proto": "https"},
            ["10.0.0.0/24"],
            ("203.0.113.7", "https"),
        ),
        ({"x-forwarded-for": "203.0.113.7, nonsense"}, ["10.0.0.0/24"], (PEER, "http")),
        ({"x-forwarded-for": "[2001:db8::1]:99"}, ["10.0.0.0/24"], ("2001:db8::1", "http")),
        ({"forwarded": "for=203.0.113.7;proto=https"}, ["10.0.0.0/24"], (PEER, "http")),
        ({"x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "gopher"}, [PEER],
         ("203.0.113.7", "http")),
    ],
)  # fmt: skip
def test_resolve_walks_from_the_right_to_the_first_untrusted(
    sent: dict[str, str], trusted: list[str], expected: tuple[str, str]
) -> None:
    assert _resolve(sent, trusted) == expected


def test_resolve_reads_forwarded_where_that_is_set() -> None:
    sent = {
        "forwarded": 'for=1.1.1.1, for="[2001:db8::7]:80";proto=https',
        "x-forwarded-for": "2.2.2.2",
    }
    assert _resolve(sent, [PEER], "forwarded", "websocket") == ("2001:db8::7", "wss")


def test_settings_with_malformed_proxy_are_refused() -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, trusted_proxies="10.0.0.0/99")  # type: ignore[call-arg]


@pytest.mark.parametrize(("trusted", "others_status", "is_secure"), [
    ("127.0.0.1", 401, True), ("", 429, False),
])  # fmt: skip
async def test_login_behind_proxy_counts_each_client(
    api_settings: Settings, services: Services, trusted: str, others_status: int, is_secure: bool
) -> None:
    changed = api_settings.model_copy(update={"trusted_proxies": trusted})
    wrong = {"email": "nobody@example.com", "password": "wrong wrong"}
    account = {"email": "proxied@example.com", "password": "correct horse", "name": "P"}
    async with serving(changed, create_app(changed)) as url, httpx.AsyncClient(base_url=url) as web:
        one = {"x-forwarded-for": "203.0.113.1", "x-forwarded-proto": "https"}
        made = await web.post("/api/auth/signup", json=account, headers=one)
        assert ("Secure" in made.headers["set-cookie"]) is is_secure
        web.cookies.clear()
        for _ in range(12):
            last = await web.post("/api/auth/login", json=wrong, headers=one)
        assert last.status_code == 429
        other = {"x-forwarded-for": "203.0.113.2"}
        answer = await web.post("/api/auth/login", json=wrong, headers=other)
        assert answer.status_code == others_status
