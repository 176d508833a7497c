"""The answer to a completed sign-in."""

from __future__ import annotations

from api.auth.accounts import SignedIn
from api.auth.cookies import session_cookie
from api.auth.schemas import SessionAnswer, UserAnswer
from api.call import Call, Reply


def session_reply(made: SignedIn, call: Call, status: int) -> Reply:
    """Return the answer that sets the cookie of a new session."""
    body = SessionAnswer(
        user=UserAnswer.model_validate(made.user),
        workspace_id=made.workspace_id,
        expires_at=made.expires_at,
    )
    return Reply(body, status, cookies=(session_cookie(made.token, call),))
