"""Default deny: a walk over the table of routes."""

from __future__ import annotations

import re

import httpx
import pytest

from api.app import create_app
from api.endpoint import ENDPOINTS, endpoint
from core.config import Settings


async def test_every_route_refuses_who_sends_no_credentials(anonymous: httpx.AsyncClient) -> None:
    closed = [route for route in ENDPOINTS if not route.access.is_public]
    assert closed
    for route in closed:
        path = re.sub(r"<[^>]+>", "some_id", route.path)
        answer = await anonymous.request(route.method, path, json={})
        assert (route.name, answer.status_code) == (route.name, 401)
        assert answer.json()["error"]["code"] == "UNAUTHORIZED"


async def test_every_route_refuses_a_made_up_key(anonymous: httpx.AsyncClient) -> None:
    for route in ENDPOINTS:
        if not route.access.is_public:
            path = re.sub(r"<[^>]+>", "some_id", route.path)
            headers = {"x-api-key": "nuxa_made_up"}
            answer = await anonymous.request(route.method, path, json={}, headers=headers)
            assert (route.name, answer.status_code) == (route.name, 401)


async def test_public_routes_are_a_short_known_list(settings: Settings) -> None:
    create_app(settings)
    public = {route.name for route in ENDPOINTS if route.access.is_public}
    assert public == {
        "GET /api/artifacts/<artifact>",
        "GET /api-docs",
        "GET /api-docs/page.css",
        "GET /api-docs/page.js",
        "GET /api/health/live",
        "GET /api/openapi.json",
        "GET /api/health/ready",
        "GET /metrics",
        "GET /api/auth/callback/<provider>",
        "GET /api/auth/login/<provider>",
        "POST /api/auth/login",
        "POST /api/auth/reset-password",
        "POST /api/auth/signup",
        "POST /api/auth/token",
    }


def test_a_route_must_declare_its_rule() -> None:
    with pytest.raises(TypeError):
        endpoint("GET", "/api/undeclared")  # type: ignore[call-arg]
