"""After signing in, a browser stays on this site."""

from __future__ import annotations

import httpx
import pytest

from api.auth.paths import own_path
from core.config import OAuthProvider, Settings
from core.errors import ValidationFailed

FOREIGN = [
    "",
    "workflows",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https://evil.example",
    "https:/evil.example",
    "HTTPS://evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    " //evil.example",
    "\t//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nLocation: https://evil.example",
    "/%2f%2fevil.example",
    "/%2fevil.example",
    "%2f%2fevil.example",
    "/%5cevil.example",
    "/%255cevil.example",
    "/%252f%252fevil.example",
    "/%09/evil.example",
    "/%0d%0aSet-Cookie:x=1",
    "/.//evil.example",
    "/a/..//evil.example",
    "@evil.example",
    ".evil.example",
    "/%" + "25" * 8 + "2fevil.example",
]


@pytest.mark.parametrize("path", FOREIGN)
def test_what_may_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(ValidationFailed):
        own_path(path)


@pytest.mark.parametrize(
    "path",
    ["/", "/workflows", "/a/b?next=https://example.com/#x", "/a%20b?q=%C3%BC", "/@me", "/a:b"],
)
def test_a_path_of_ours_stays_as_it_is(path: str) -> None:
    assert own_path(path) == path
    assert httpx.URL("https://nuxa.example/x").join(own_path(path)).host == "nuxa.example"


def test_what_a_header_cannot_hold_is_encoded() -> None:
    assert own_path("/grüße you") == "/gr%C3%BC%C3%9Fe%20you"


async def test_signing_in_does_not_even_begin(
    anonymous: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = OAuthProvider(issuer="http://127.0.0.1:9", client_id="nuxa")
    monkeypatch.setattr(settings, "oauth_providers", {"acme": known})
    for path in FOREIGN:
        answer = await anonymous.get("/api/auth/login/acme", params={"next": path})
        assert (path, answer.status_code) == (path, 400)
        assert answer.json()["error"]["details"]["issues"][0]["path"] == "next"
