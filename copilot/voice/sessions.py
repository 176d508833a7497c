"""How a conversation by voice begins: checked, and written down with its token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from copilot.modes import DEFAULT, find_mode
from copilot.voice.settings import settings_of
from core.errors import NotFound
from core.ids import new_id
from core.models.speech.door import require_speech
from core.security import hash_token, new_token
from core.services import Services
from core.store.base import now
from core.store.unit import Unit
from core.store.voice_sessions import VoiceSession

TOKEN_PREFIX: Final = "vst_"  # noqa: S105 - what tokens begin with

Channel = Literal["web", "twilio", "daily"]


@dataclass(frozen=True)
class Opening:
    """Who begins a session, and what it is to be; ``external_id`` is another service's id of it.

    ``way`` and ``credential_id`` are what it was made with, none for a call that came in.
    """

    user_id: str
    channel: Channel
    workflow_id: str | None = None
    mode: str | None = None
    external_id: str | None = None
    way: str | None = None
    credential_id: str | None = None


@dataclass(frozen=True)
class Opened:
    """A session and its token, of which the database has the hash."""

    session: VoiceSession
    token: str


async def open_session(unit: Unit, services: Services, opening: Opening) -> Opened | None:
    """Write a session down; None when its call has one already.

    Raises ``NotFound`` for a workflow that is not in the workspace, ``ValidationFailed`` for a
    mode there is not, ``NoVoice`` where nobody could answer.
    """
    workflow_id, mode = opening.workflow_id, opening.mode
    if workflow_id is not None and await unit.workflows.get(workflow_id) is None:
        raise NotFound("There is no such workflow; list those you have.")
    if workflow_id is None:
        mode = find_mode(mode or DEFAULT, None).name
    settings = settings_of(await unit.voice_configs.get())
    require_speech(services.settings, settings["provider"])
    token = new_token(TOKEN_PREFIX)
    session = VoiceSession(
        id=new_id("vs"),
        user_id=opening.user_id,
        way=opening.way,
        credential_id=opening.credential_id,
        channel=opening.channel,
        mode=mode,
        workflow_id=workflow_id,
        external_id=opening.external_id,
        token_hash=hash_token(token),
        sealed_token=services.sealer.seal(token) if opening.channel == "twilio" else None,
        settings=settings,
        expires_at=now() + timedelta(seconds=settings["max_duration_seconds"]),
    )
    return Opened(session, token) if await unit.voice_sessions.insert(session) else None
