"""Default deny: what is public is known by name; the matrix walks over the rest."""

from __future__ import annotations

import pytest

from api.app import create_app
from api.endpoint import ENDPOINTS, endpoint
from core.config import Settings


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
        "POST /api/auth/passkey-login",
        "POST /api/auth/passkey-login/options",
        "POST /api/auth/second-factor",
        "POST /api/auth/reset-password",
        "POST /api/auth/signup",
        "POST /api/auth/token",
        # Of an agent that has a share link; the token in the path is its link's.
        "GET /api/agents/<token>",
        "GET /api/agents/<token>/streams/<message_id>",
        "POST /api/agents/<token>/chat",
        "POST /api/agents/<token>/stream",
        # Whose they are is said by a signature, a token, or nothing, as their owner set it.
        "GET /api/webhooks/<workflow_id>",
        "POST /api/webhooks/<workflow_id>",
        "POST /api/voice/webhook/daily",
        "POST /api/voice/webhook/twilio",
    }


def test_a_route_must_declare_its_rule() -> None:
    with pytest.raises(TypeError):
        endpoint("GET", "/api/undeclared")  # type: ignore[call-arg]
