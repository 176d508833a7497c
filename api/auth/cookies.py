"""Cookies as we set them: unreadable to scripts, and for our own pages."""

from __future__ import annotations

from api.access import SESSION_COOKIE
from api.call import Call


def cookie(name: str, value: str, seconds: int, call: Call, path: str = "/") -> str:
    """Return a value of ``Set-Cookie``; with 0 seconds it makes the browser forget."""
    parts = [f"{name}={value}", f"Path={path}", f"Max-Age={seconds}", "HttpOnly", "SameSite=Lax"]
    if call.request.scheme == "https" or call.services.settings.base_url.startswith("https://"):
        parts.append("Secure")
    return "; ".join(parts)


def session_cookie(token: str, call: Call) -> str:
    """Return the cookie of a session; one of an empty token ends it."""
    # The browser forgets late; whether a session still lives is decided by its row.
    seconds = call.services.settings.session_days * 86_400 if token else 0
    return cookie(SESSION_COOKIE, token, seconds, call)
