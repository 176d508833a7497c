"""What the API answers about voice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nuxa.models import Answer


class VoiceConfig(Answer):
    """Secrets are never shown; ``hasAuthToken`` and its like say that there is one."""

    provider: str
    language: str
    voice_id: str | None
    greeting: str | None
    system_prompt: str | None
    model: str | None
    knowledge_base_ids: list[str]
    turn_detection: dict[str, Any]
    max_duration_seconds: int
    recording: dict[str, Any]
    twilio: dict[str, Any]
    daily: dict[str, Any]
    updated_at: datetime | None


class NewVoiceSession(Answer):
    id: str
    token: str
    """Opens a socket for this session alone; only in the answer that began it."""
    status: str
    channel: str
    expires_at: datetime
    format: dict[str, Any]
    recorded: bool


class VoiceSession(Answer):
    id: str
    channel: str
    status: str
    end_reason: str | None
    mode: str | None
    workflow_id: str | None
    chat_id: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime
    transcript: list[dict[str, Any]]
    latency_ms: dict[str, int]
    recording: dict[str, Any] | None
