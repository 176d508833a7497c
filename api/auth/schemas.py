"""Bodies and answers of authentication."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from api.auth.second_factor import Code
from api.wire import Email, Moment, Name, Password, Wire
from core.rights import SCOPE
from core.store.base import now


def _known_scope(scope: str) -> str:
    if not SCOPE.fullmatch(scope):
        raise ValueError("a scope is read, write or admin, or one of them in a domain: files:read")
    return scope


def _future(time: datetime) -> datetime:
    if time <= now():
        raise ValueError("must lie in the future")
    return time


Scope = Annotated[str, AfterValidator(_known_scope)]
Future = Annotated[Moment, AfterValidator(_future)]


class Signup(Wire):
    email: Email
    password: Password
    name: Name


class Login(Wire):
    email: Email
    password: Annotated[str, StringConstraints(max_length=200)]


ChallengeId = Annotated[str, StringConstraints(max_length=200)]


class SecondFactor(Wire):
    """``challenge`` of the login's answer, and a ``code`` of the app or a recovery code."""

    challenge: ChallengeId
    code: Code


class Reauthenticate(Wire):
    """``password``, or ``code`` (the app's or a recovery code), or a passkey's ``credential``.

    The latter comes with the ``challengeId`` of ``/api/auth/passkey-login/options``.
    """

    password: Annotated[str, StringConstraints(max_length=200)] | None = None
    code: Code | None = None
    challenge_id: ChallengeId | None = None
    credential: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        proofs = (self.password, self.code, self.credential)
        is_one = sum(proof is not None for proof in proofs) == 1
        if not is_one or (self.credential is None) != (self.challenge_id is None):
            raise ValueError("send password, or code, or challengeId and credential")
        return self


class ResetPassword(Wire):
    """``email`` alone, or ``token`` and ``password``.

    ``revokeApiKeys`` with the latter says whether all API keys of the account end too. Without it
    they do where the address was never confirmed: somebody else may have made the account.
    """

    email: Email | None = None
    token: Annotated[str, StringConstraints(max_length=200)] | None = None
    password: Password | None = None
    revoke_api_keys: bool | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        by_token = self.token is not None and self.password is not None
        by_email = self.token is None and self.password is None and self.email is not None
        by_email = by_email and self.revoke_api_keys is None
        if not (by_email or (by_token and self.email is None)):
            raise ValueError("send email alone, or token and password")
        return self


class ResetAnswer(Wire):
    """``revokedApiKeys`` counts those that the new password ended."""

    success: Literal[True] = True
    revoked_api_keys: int = 0


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
    """Without ``scopes`` the key may do what its owner's role allows."""

    name: Name
    scopes: list[Scope] = Field(default_factory=lambda: ["admin"], min_length=1)
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
