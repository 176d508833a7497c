"""The webhook block: signed, tried again, written down, and not sent twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.config import Settings, get_settings
from core.services import Services
from core.store.executions import Execution
from core.store.sent_webhooks import SentWebhook
from core.webhook_signing import verify
from pipelines.blocks import sending
from tests.conftest import Owner
from tests.pipelines.running import begin
from tests.pipelines.shapes import block, definition
from tests.stand_in import Asked, Says, StandIn, standing_in

KEY = "a-secret-of-thirty-two-characters"


@pytest.fixture
async def outside(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    async with standing_in() as stand_in:
        monkeypatch.setenv("NUXA_OUTGOING_ALLOW", f"127.0.0.1:{stand_in.port}")
        yield stand_in


@pytest.fixture
def settings(outside: StandIn, settings: Settings) -> Settings:
    get_settings.cache_clear()
    return get_settings()


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []

    async def note(pause: float) -> None:
        seconds.append(pause)

    monkeypatch.setattr(sending, "_pause", note)
    return seconds


async def _sent(
    services: Services, owner: Owner, url: str, **settings: Any
) -> tuple[Execution, list[SentWebhook]]:
    hook = block("hook", "webhook", url=url, payload={"n": "<start.n>"}, **settings)
    row = await begin(services, owner, definition([hook], "s>hook"), input={"n": 7})
    async with services.store.unit(owner.workspace_id) as unit:
        return row, list(await unit.sent_webhooks.of(row.id))


async def test_a_message_is_signed_and_logged(
    services: Services, owner: Owner, outside: StandIn
) -> None:
    async with services.store.unit(owner.workspace_id) as unit:
        await unit.secrets.put("HOOK", services.sealer.seal(KEY))
    row, [sent] = await _sent(
        services, owner, f"{outside.url}/in?k={{{{HOOK}}}}", secret="{{HOOK}}"
    )
    assert row.output == {"status": 200, "attempts": 1}
    [asked] = outside.asked
    assert (asked.method, asked.json()) == ("POST", {"n": 7})
    verify(asked.headers, asked.body, [KEY])
    assert asked.headers["webhook-id"] == sent.id
    assert asked.headers["idempotency-key"] == f"{row.id}/hook/0"
    assert sent.url.endswith("/in?k={{HOOK}}")
    assert (sent.status, [a["status"] for a in sent.attempts]) == ("delivered", [200])


async def test_what_fails_is_sent_again_under_the_same_id(
    services: Services, owner: Owner, outside: StandIn, waited: list[float]
) -> None:
    said = iter([Says(500), Says(429, {"Retry-After": "7"}), Says(503), Says(204)])
    outside.answer = lambda _: next(said)
    row, [sent] = await _sent(services, owner, outside.url, secret=KEY)
    assert row.output == {"status": 204, "attempts": 4}
    assert waited == [1, 7, 4]
    assert len({asked.headers["webhook-id"] for asked in outside.asked}) == 1
    for asked in outside.asked:
        verify(asked.headers, asked.body, [KEY])
    assert [a["status"] for a in sent.attempts] == [500, 429, 503, 204]


async def test_after_five_repeats_it_is_given_up(
    services: Services, owner: Owner, outside: StandIn, waited: list[float]
) -> None:
    outside.answer = lambda _: Says(500)
    row, [sent] = await _sent(services, owner, outside.url)
    assert row.status == "failed"
    assert "was not taken: the answer was 500, at attempt 6" in row.error["message"]
    assert (len(outside.asked), waited, sent.status) == (6, [1, 2, 4, 8, 16], "failed")
    assert "webhook-signature" not in outside.asked[0].headers


@pytest.mark.parametrize("status", [400, 404, 410, 302])
async def test_a_refusal_is_final(
    services: Services, owner: Owner, outside: StandIn, waited: list[float], status: int
) -> None:
    outside.answer = lambda _: Says(status, {"Location": "/elsewhere"})
    row, _ = await _sent(services, owner, outside.url)
    assert (row.status, len(outside.asked), waited) == ("failed", 1, [])


async def test_no_connection_is_tried_again(
    services: Services, owner: Owner, outside: StandIn, waited: list[float]
) -> None:
    def break_off(_: Asked) -> Says:
        return Says(raw=b"") if len(outside.asked) < 3 else Says()

    outside.answer = break_off
    row, [sent] = await _sent(services, owner, outside.url)
    assert row.output == {"status": 200, "attempts": 3}
    assert ["error" in attempt for attempt in sent.attempts] == [True, True, False]


async def test_what_is_no_public_address_is_not_called(services: Services, owner: Owner) -> None:
    row, [sent] = await _sent(services, owner, "http://169.254.169.254/")
    assert "not a public address" in row.error["message"]
    assert sent.attempts == []


async def test_what_was_taken_before_a_crash_is_not_sent_again(
    services: Services, owner: Owner, outside: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = sending._noted

    async def note_and_die(*given: Any) -> SentWebhook:
        await noted(*given)
        monkeypatch.setattr(sending, "_noted", noted)
        raise ConnectionError("the process ended here")

    monkeypatch.setattr(sending, "_noted", note_and_die)
    hook = {"_retry": {"maxTries": 2, "waitMs": 0}}  # stands for the start after a crash
    row, [sent] = await _sent(services, owner, outside.url, **hook)
    assert row.output == {"status": 200, "attempts": 1}
    assert (len(outside.asked), sent.status) == (1, "delivered")
