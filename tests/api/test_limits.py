"""Requests a minute: counted per workspace, told in every answer."""

from __future__ import annotations

import httpx
import pytest

from core.config import Settings
from core.services import Services
from tests.api.conftest import Member


async def _limit(services: Services, member: Member, per_minute: int) -> None:
    async with services.store.system() as system:
        workspace = await system.workspaces.load(member.workspace_id)
        workspace.limits = {"requestsPerMinute": per_minute}


async def test_an_enterprise_workspace_has_no_limit_until_one_is_set(
    member: Member, services: Services
) -> None:
    answer = await member.program.get("/api/user")
    assert answer.headers["X-RateLimit-Limit"] == "-1"
    assert answer.headers["X-RateLimit-Remaining"] == "-1"
    await _limit(services, member, 100)
    answer = await member.program.get("/api/user")
    assert answer.headers["X-RateLimit-Limit"] == "100"


async def test_who_uses_up_the_minute_waits_whatever_way_she_comes_in(
    member: Member, stranger: Member, services: Services
) -> None:
    await _limit(services, member, 3)
    answers = [await member.program.get("/api/user") for _ in range(2)]
    answers += [await member.browser.get("/api/user") for _ in range(6)]
    left = [int(answer.headers["X-RateLimit-Remaining"]) for answer in answers]
    # A minute may begin anew once while the test runs, not twice.
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert min(left) == 0
    for answer in refused:
        assert answer.json()["error"]["code"] == "RATE_LIMITED"
        assert answer.json()["error"]["details"] == {"reason": "rate"}
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert (await stranger.program.get("/api/user")).status_code == 200


async def test_anonymous_calls_are_counted_by_address(
    anonymous: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "anonymous_requests_per_minute", 2)
    wrong = {"email": "a@b", "password": "x"}
    statuses = [(await anonymous.post("/api/auth/login", json=wrong)).status_code for _ in range(6)]
    assert statuses.count(429) >= 2
    assert (await anonymous.get("/api/health/live")).status_code == 200
