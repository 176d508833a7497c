"""Texts are bounded, and every way in spends the plan's requests."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from api.sockets.event import EVENTS
from api.v1.completion_request import CompletionRequest
from core.services import Services
from tests.api.conftest import Member
from tests.api.workflows.editing.conftest import Open


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "x" * 100_001}],
        [{"role": "user", "content": "x" * 90_000}] * 5,
        [{"role": "user", "content": [{"type": "text", "text": "x"}] * 101}],
        [{"role": "user", "content": "x", "name": "n" * 201}],
    ],
)
def test_completion_request_beyond_limits_is_refused(messages: list[object]) -> None:
    with pytest.raises(ValidationError):
        CompletionRequest.model_validate({"model": "m", "messages": messages})


async def test_socket_events_after_used_up_plan_are_refused(
    member: Member, open_socket: Open, services: Services
) -> None:
    editor = await open_socket(member)
    async with services.store.system() as system:
        workspace = await system.workspaces.load(member.workspace_id)
        workspace.limits = {"requestsPerMinute": 2}
    sent = {"toolName": "none", "params": {}}
    codes = [(await editor.client.call("copilot:tool", sent))["error"]["code"] for _ in range(8)]
    assert codes.count("RATE_LIMITED") >= 3  # a minute may begin anew once


def test_socket_events_that_are_not_counted_are_pieces_or_keystrokes() -> None:
    free = {name for name, event in EVENTS.items() if event.is_piece or not event.is_counted}
    pieces = {"audio:chunk", "audio:end", "workflow:leave", "user:leave", "cursor:move"}
    assert free == pieces | {"yjs:update"}
