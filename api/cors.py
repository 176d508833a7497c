"""Cross-origin access for browsers: which origins may call the API and open sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from werkzeug.datastructures import Headers

from api import origin
from core.config import ANY_ORIGIN, Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_PREFLIGHT_SECONDS: Final = 7200  # the longest that Chromium caches
_EXPOSED_HEADERS: Final = (
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
    "X-Execution-Id",
    "X-Execution-Mode",
    "X-Nuxa-Ignored-Parameters",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-Id",
    "X-Run-Id",
)


def allow_origins(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Return an application that answers preflights and lets listed origins read its answers."""
    origins = settings.allowed_origins
    if not origins:
        return app
    from starlette.middleware.cors import CORSMiddleware  # a start without origins needs none

    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=_METHODS,
        allow_headers=("*",),
        allow_credentials=ANY_ORIGIN not in origins,
        expose_headers=_EXPOSED_HEADERS,
        max_age=_PREFLIGHT_SECONDS,
    )


def socket_options(settings: Settings) -> dict[str, Any]:
    """Return the options of python-socketio that admit the same origins.

    Without a list, the library sends no header and the handshake checks cookies alone.
    """
    origins = settings.allowed_origins
    if not origins:
        return {"cors_allowed_origins": []}
    return {
        "cors_allowed_origins": _origin_check(settings),
        "cors_credentials": ANY_ORIGIN not in origins,
    }


def _origin_check(settings: Settings) -> Callable[[str | None, dict[str, Any]], bool]:
    def is_allowed(value: str | None, environ: dict[str, Any]) -> bool:
        if value is None:  # the answer to a program gets no headers for browsers
            return False
        if ANY_ORIGIN in settings.allowed_origins or value.lower() in settings.allowed_origins:
            return True
        scope = environ["asgi.scope"]
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        headers = Headers({"Host": environ.get("HTTP_HOST", "")})
        return origin.is_same_origin(value, headers, settings, scheme)

    return is_allowed
