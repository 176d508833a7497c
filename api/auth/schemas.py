"""Bodies and answers of authentication."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from api.access import SCOPE
from api.wire import Email, Name, Wire
from core.store.base import now

Password = Annotated[str, StringConstraints(min_length=8, max_length=200)]


def _known_scope(scope: str) -> str:
    if not SCOPE.fullmatch(scope):
        raise ValueError("a scope is read, write or admin, or one of them in a domain: files:read")
    return scope


def _future(time: datetime) -> datetime:
    if time.tzinfo is None or time <= now():
        raise ValueError("must lie in the future and name its zone, as in 2030-01-31T00:00:00Z")
    return time


Scope = Annotated[str, AfterValidator(_known_scope)]
Future = Annotated[datetime, AfterValidator(_future)]


class Signup(Wire):
    email: Email
    password: Password
    name: Name


class Login(Wire):
    email: Email
    password: Annotated[str, StringConstraints(max_length=200)]


class UserAnswer(Wire):
    id: str
    email: str
    name: str
    image_url: str | None
    email_verified: bool
    created_at: datetime


class SessionAnswer(Wire):
    """``workspaceId`` is null for who is in no workspace; a key without expiry has none here."""

    user: UserAnswer
    workspace_id: str | None
    expires_at: datetime | None


class NewKey(Wire):
    name: Name
    scopes: list[Scope] = Field(default_factory=lambda: ["read", "write"], min_length=1)
    expires_at: Future | None = None


class KeyAnswer(Wire):
    id: str
    name: str
    preview: str
    scopes: list[str]
    workspace_id: str
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


class CreatedKey(KeyAnswer):
    """The only answer that ever holds the key itself."""

    key: str
