"""Whatever is in Redis is named for its workspace, or is of none for a reason given here."""

from __future__ import annotations

import re

import pytest
from pycrdt import Awareness, Doc, create_awareness_message
from socketio.exceptions import ConnectionError as SocketRefused

from core.services import Services
from tests.api.conftest import Member
from tests.api.workflows.editing.conftest import Open

_WORKSPACE = re.compile(r"[:{]ws_[0-9a-z]{24}(?=[:}]|$)")
_OF_NO_WORKSPACE = re.compile(
    r"rate:(user|address):"  # callers who are in no workspace
    r"|(login|signup|reset|mail):[0-9a-f]{64}$"  # accounts and addresses
    r"|ticket:[a-z_]+:[0-9a-f]{64}$"  # hashes of random tokens
    r"|nuxa:(counters|metrics)$"  # of the whole installation
    r"|_kombu|unacked|(documents|executions)$"  # Celery's
)
_CALLERS_WORDS = ("chosen-run", "chosen-message", "chosen-key")


def _awareness_update() -> bytes:
    awareness: Awareness = Awareness(Doc())
    awareness.set_local_state({"cursor": 1})
    return create_awareness_message(awareness.encode_awareness_update([awareness.client_id]))


async def test_names_in_redis_after_every_kind_of_use_carry_the_workspace(
    member: Member, join: Open, workflow_id: str, services: Services
) -> None:
    editor = await join(member)
    await editor.done("yjs:update", update=_awareness_update())
    headers = {"X-Run-Id": "chosen-run", "Idempotency-Key": "chosen-key"}
    path = f"/api/workflows/{workflow_id}"
    assert (await member.browser.post(f"{path}/deploy")).status_code == 200
    await member.program.post(f"{path}/execute", json={"async": True}, headers=headers)
    asked = {"message": "Hello", "userMessageId": "chosen-message"}
    assert (await member.browser.post("/api/copilot/chat", json=asked)).status_code == 200
    await member.browser.post("/api/auth/login", json={"email": "a@b.example", "password": "x" * 9})
    await member.browser.post("/api/auth/socket-token")
    await member.browser.get("/metrics")
    names = [name.decode() for name in await services.redis.keys()]
    assert {"presence", "awareness", "rate", "login", "ticket"} <= {
        re.split("[:{]", name.removeprefix("{"))[0] for name in names
    }
    stray = [n for n in names if not (_WORKSPACE.search(n) or _OF_NO_WORKSPACE.match(n))]
    assert stray == []
    assert not [name for name in names if any(word in name for word in _CALLERS_WORDS)]


async def test_socket_token_of_removed_member_opens_no_socket_in_the_workspace(
    member: Member, stranger: Member, reader: dict[str, str], open_socket: Open
) -> None:
    """A ticket that was named for a workspace is worth no more than its bearer is now."""
    made = await stranger.browser.post("/api/auth/socket-token", params=reader)
    path = f"/api/workspaces/{member.workspace_id}/members/{stranger.user_id}"
    assert (await member.browser.delete(path)).status_code == 204
    with pytest.raises(SocketRefused):
        await open_socket(stranger, token=made.json()["token"])
