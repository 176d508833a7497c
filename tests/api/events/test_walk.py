"""A walk through every event of sockets, on the real server with real clients.

Each event of the code's own table is sent malformed and too large, by those who may not, and
rightly. What is refused is answered by an error of its kind, is told to nobody, and leaves every
table of the database as it was. What is done is acknowledged and told to those whom it concerns,
and to nobody else. Handshakes, floods and packets that are none are ``tests/api/sockets``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pydantic import AliasChoices

from api.app import create_app
from api.sockets.event import EVENTS
from api.sockets.sweep import Sweep
from copilot import turn
from copilot.voice import holding
from core.config import Settings
from core.models.messages import ChatDelta, ChatRequest, Finished, TextDelta
from tests import voices
from tests.api.conftest import sign_up_at
from tests.api.events.audio import AUDIO
from tests.api.events.case import Case
from tests.api.events.chat import CHAT
from tests.api.events.editing import EDITING
from tests.api.events.presence import PRESENCE
from tests.api.events.sharing import SHARING
from tests.api.events.stage import Stage
from tests.api.memberships import join_workspace
from tests.conftest import ROOT, emptied_services

create_app()  # which fills the table of events
CASES: dict[str, Case] = {**EDITING, **PRESENCE, **SHARING, **CHAT, **AUDIO}

# The reference's handlers, without ``connect`` and ``disconnect``, which are the protocol's own.
OF_THE_REFERENCE = {
    *("workflow:join", "workflow:update", "block:add", "block:update", "block:delete"),
    *("subblock:update", "variable:set", "variable:delete", "user:join", "user:leave"),
    *("cursor:move", "yjs:update", "audio:start", "audio:chunk", "audio:end"),
    *("message:new", "message:update"),
}
TOLD_BY_THE_REFERENCE = {"workflow:update", "audio:response"}
# What only the server says; ``workflow:leave`` and the rest have names of clients' events too.
ONLY_TOLD = {"audio:response", "audio:transcript", "audio:interrupted", "audio:error"}


async def _model(request: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
    """Answer at once, but for a story, which has no end."""
    yield TextDelta("Once upon a ")
    if "story" in str(request.messages[-1]):
        await asyncio.Event().wait()
    yield Finished("fake", "stop", 0, 0, None)


async def _not_now(sweep: Sweep) -> None:
    """Keep the socket of a deleted key open, so that its events are seen to be refused."""


@pytest.fixture(scope="module")
async def stage(server: str, api_settings: Settings) -> AsyncIterator[Stage]:
    async with emptied_services(api_settings) as services, AsyncExitStack() as clients:
        patch = clients.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(turn, "_door_of", lambda _: _model)
        patch.setattr(Sweep, "_recheck", _not_now)
        voice = voices.install(patch)
        voice.hears, voice.seconds = ["When is lunch served?"], 30.0
        writer, reader, outsider = [await sign_up_at(server, clients) for _ in range(3)]
        await join_workspace(writer, reader, "read")
        await writer.browser.post("/api/voice/config", json={"greeting": "Hello."})
        yield Stage(server, services, writer, reader, outsider)
        await holding.stop_all()


@pytest.mark.parametrize("event", CASES)
async def test_an_event(event: str, stage: Stage) -> None:
    case = CASES[event]
    async with stage.scene(case) as scene:
        before = await stage.everything()
        for sent, code in case.wrong():
            assert await scene.refusal("writer", event, *sent) == code, sent
        for refused in case.refused:
            sent = {**case.sent, **refused.changed}
            assert await scene.refusal(refused.who, event, sent) == refused.code, refused
        assert await stage.everything() == before
        await scene.succeeds(event, case)


def test_every_event_of_the_code_is_walked() -> None:
    assert CASES.keys() == EVENTS.keys()


def test_every_event_of_the_reference_is_there() -> None:
    told = {name for case in CASES.values() for name in case.others | case.own | case.everywhere}
    assert EVENTS.keys() >= OF_THE_REFERENCE
    assert told >= TOLD_BY_THE_REFERENCE


@pytest.mark.parametrize("event", CASES)
def test_every_field_is_sent_wrongly_once(event: str) -> None:
    wrong = [changed for changed, _ in CASES[event].oversize] + list(CASES[event].malformed)
    touched = {name for changed in wrong for name in changed} | {next(iter(CASES[event].sent))}
    for name, field in EVENTS[event].payload.model_fields.items():
        assert touched & _wire_names(name, field), name


def _wire_names(name: str, field: Any) -> set[str]:
    alias = field.validation_alias or field.alias or name
    return {str(one) for one in alias.choices} if isinstance(alias, AliasChoices) else {alias}


@pytest.mark.parametrize("event", [*CASES, *sorted(ONLY_TOLD)])
def test_every_event_is_written_down(event: str) -> None:
    pages = [(ROOT / "docs" / name).read_text() for name in ("editing.md", "voice.md")]
    assert any(f"`{event}" in page for page in pages)
