"""What the service says of people and workspaces."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nuxa.models import Answer


class Workspace(Answer):
    id: str
    name: str
    plan: str
    role: str
    owner_id: str
    member_count: int
    created_at: datetime
    updated_at: datetime


class User(Answer):
    id: str
    email: str
    name: str
    image_url: str | None = None
    created_at: datetime | None = None
    role: str | None = None
    """In a list of members."""


class Member(Answer):
    """``id`` is the user's."""

    id: str
    email: str
    name: str
    image_url: str | None
    role: str
    joined_at: datetime


class Invitation(Answer):
    """``token`` and ``url`` are only in the answer that created it."""

    id: str
    workspace_id: str
    email: str | None
    role: str
    invited_by: str
    expires_at: datetime
    created_at: datetime
    token: str | None = None
    url: str | None = None


class OwnInvitation(Answer):
    """An invitation as the invited person sees it."""

    id: str
    workspace_id: str
    workspace_name: str
    inviter_name: str
    role: str
    expires_at: datetime


class Passkey(Answer):
    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


class ModelProvider(Answer):
    """A provider of chat models that the workspace has a key of."""

    name: str
    created_at: datetime
    updated_at: datetime


class Authorized(Answer):
    """A code for a program, good once and for a minute; ``redirect_to`` carries it there."""

    code: str
    redirect_to: str
    expires_at: datetime


class AuditEvent(Answer):
    """``actor_way`` is session, key or operator; an operator has no ``actor_id``."""

    id: str
    action: str
    target: str | None
    details: dict[str, Any]
    actor_id: str | None
    actor_way: str
    created_at: datetime


class Usage(Answer):
    """``tokens`` are input, output and total; ``cost`` in US dollars; ``days`` are UTC's."""

    documents: int
    chunks: int
    files: int
    storage_bytes: int
    executions: dict[str, int]
    messages: dict[str, int]
    tokens: dict[str, int]
    cost: float
    days: list[dict[str, Any]]


class Session(Answer):
    """``current`` marks the session that asks."""

    id: str
    user_agent: str | None
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool


class ApiKey(Answer):
    id: str
    name: str
    preview: str
    scopes: list[str]
    expires_at: datetime | None
    key: str | None = None
    """Only in the answer that created it."""
