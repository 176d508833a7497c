"""Requests a minute: counted per workspace, told in every answer."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import httpx
import pytest
from redis.asyncio import Redis

from api import limits
from core.config import Settings
from core.services import Services
from core.store.unit import Store
from tests.api.conftest import Member, serving


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


async def test_the_free_plan_takes_exactly_sixty_a_minute_whichever_server_is_asked(
    member: Member, services: Services, settings: Settings
) -> None:
    async with services.store.system() as system:
        (await system.workspaces.load(member.workspace_id)).plan = "free"
    async with (
        serving(settings) as other,
        httpx.AsyncClient(base_url=other, headers=member.program.headers, timeout=30) as second,
    ):
        clients = [member.program, second]
        asked = [clients[n % 2].get("/api/user") for n in range(130)]
        answers = await asyncio.gather(*asked)
    minutes = defaultdict(list)
    for answer in answers:
        minutes[answer.headers["X-RateLimit-Reset"]].append(answer)
    assert len(minutes) <= 2  # one may have ended meanwhile
    for answers in minutes.values():
        let_in = [answer for answer in answers if answer.status_code == 200]
        assert len(let_in) == min(60, len(answers))
        left = sorted(int(answer.headers["X-RateLimit-Remaining"]) for answer in let_in)
        assert left == list(range(60 - len(let_in), 60))
        refused = {a.headers["X-RateLimit-Remaining"] for a in answers if a.status_code == 429}
        assert refused <= {"0"}
    assert any(answer.status_code == 429 for answers in minutes.values() for answer in answers)


async def test_a_call_counts_once_and_where_it_belongs(member: Member, services: Services) -> None:
    second = (await member.browser.post("/api/workspaces", json={"name": "Two"})).json()["id"]
    async with services.store.system() as system:
        (await system.workspaces.load(member.workspace_id)).plan = "free"
        (await system.workspaces.load(second)).plan = "pro"
    for workspace_id in (member.workspace_id, second, second):
        body = {"name": "b", "workspaceId": workspace_id}
        assert (await member.browser.post("/api/knowledge", json=body)).status_code == 201
    for plan, used in (("free", 1), ("pro", 2)):
        count = await services.redis.hget(f"rate:owner:{member.user_id}:{plan}", "used")
        assert int(count or 0) == used
    nowhere = {"name": "b", "workspaceId": "ws_none"}
    assert (await member.browser.post("/api/knowledge", json=nowhere)).status_code == 404
    used_now = await services.redis.hget(f"rate:owner:{member.user_id}:free", "used")
    assert int(used_now or 0) == 2  # asking for what is not there is not free


async def test_a_request_is_taken_back_in_its_own_minute_alone(services: Services) -> None:
    redis: Redis = services.redis
    budget = await limits.spend(redis, "x", 5)
    await limits.take_back(redis, limits.Budget(5, 1, budget.reset - 60, budget.key))
    assert (await limits.spend(redis, "x", 5)).used == 2
    await limits.take_back(redis, budget)
    assert (await limits.spend(redis, "x", 5)).used == 2


async def test_who_shows_wrong_credentials_is_counted_as_anybody(
    anonymous: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "anonymous_requests_per_minute", 3)
    wrong = {"x-api-key": "nuxa_made_up"}
    answers = [await anonymous.get("/api/user", headers=wrong) for _ in range(9)]
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(429) >= 3  # a minute may end once meanwhile
    assert {401, 429} == set(statuses)


async def test_every_answer_says_what_is_left(
    member: Member, anonymous: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    answers = {
        401: await anonymous.get("/api/user"),
        404: await anonymous.get("/api/nothing"),
        405: await anonymous.put("/api/user"),
        400: await member.program.post("/api/knowledge", json={}),
        403: await member.program.post("/api/workspaces", json={"name": "x"}),
    }
    with monkeypatch.context() as patch:
        patch.setattr(Store, "answers", broken)
        answers[500] = await anonymous.get("/api/health/ready")
    for status, answer in answers.items():
        assert answer.status_code == status
        for name in ("Limit", "Remaining", "Reset"):
            assert int(answer.headers[f"X-RateLimit-{name}"]) >= -1
        assert answer.headers["X-Request-Id"]
