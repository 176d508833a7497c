"""Which errors a route can give, and how they look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import Field

from api.access import Access
from api.endpoint import Endpoint
from api.errors import InternalError
from api.wire import Wire
from core.errors import (
    Conflict,
    Forbidden,
    NotFound,
    NuxaError,
    PayloadTooLarge,
    RateLimited,
    ServiceUnavailable,
    TimedOut,
    Unauthorized,
    UnsupportedMediaType,
    ValidationFailed,
)

RATE_HEADERS: Final = {
    "X-Request-Id": "The caller's own when it sent one; names the request in the log.",
    "X-RateLimit-Limit": "Requests a minute; -1: no limit.",
    "X-RateLimit-Remaining": "Requests left of this minute; -1: no limit.",
    "X-RateLimit-Reset": "End of this minute, in Unix seconds.",
}
# Those of some answers; an answer that is said to carry one always does.
ANSWER_HEADERS: Final = {
    "Accept-Ranges": "bytes: parts of it can be asked for by Range.",
    "Cache-Control": "Who may keep the answer, and for how long.",
    "Content-Disposition": "The name to save it under (RFC 6266, RFC 5987).",
    "Content-Range": "Which bytes these are, of how many.",
    "ETag": "Names this very content; send it in If-None-Match or If-Range.",
    "Location": "Where to go on.",
    "X-Execution-Id": "The run that this is the answer of.",
}
RETRY_HEADER: Final = "Retry-After"
WAYS_HEADER: Final = "WWW-Authenticate"
_WAITS: Final = (RateLimited, ServiceUnavailable)


class ErrorBody(Wire):
    """``message`` says what to do next."""

    code: str = Field(examples=["VALIDATION_ERROR", "NOT_FOUND"])
    message: str
    details: dict[str, Any] = Field(
        description="VALIDATION_ERROR lists what is wrong: issues[{path, message, code}]."
    )


class ErrorAnswer(Wire):
    """Every error looks like this."""

    error: ErrorBody


def errors_of(route: Endpoint) -> list[type[NuxaError]]:
    """Return the classes of error that a route can answer with, one for each status."""
    by_status = {kind.status: kind for kind in (*_general(route), *route.errors)}
    return [by_status[status] for status in sorted(by_status)]


def _general(route: Endpoint) -> Iterator[type[NuxaError]]:
    yield from (ValidationFailed, InternalError, ServiceUnavailable)
    if not route.access.is_public:
        yield from (Unauthorized, Forbidden, NotFound)  # not found: the workspace that was named
    elif _checks_origin(route.access, route.method):
        yield Forbidden
    if "<" in route.path:
        yield NotFound
    if route.counted:
        yield RateLimited
    if route.method != "GET":
        yield from (TimedOut, PayloadTooLarge, UnsupportedMediaType)
    if route.method != "GET" and not route.access.is_public:
        yield Conflict  # two who change the same at once; an Idempotency-Key of another call


def _checks_origin(access: Access, method: str) -> bool:
    """Whether a browser's write from another site is refused here, signed in or not."""
    return access.is_public and method != "GET"


def error_name(kind: type[NuxaError]) -> str:
    return kind.__name__


def error_response(kind: type[NuxaError], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the response object of a class of error."""
    names = [*RATE_HEADERS, *([RETRY_HEADER] if issubclass(kind, _WAITS) else [])]
    names += [WAYS_HEADER] if issubclass(kind, Unauthorized) else []
    return {
        "description": f"`{kind.code}`. {_sentence(kind)}".strip(),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {"application/json": {"schema": schema}},
    }


def _sentence(kind: type[NuxaError]) -> str:
    own = kind.__dict__.get("__doc__") or ""
    return " ".join(own.split())


def header_components() -> dict[str, Any]:
    texts = {name: {"description": text} for name, text in RATE_HEADERS.items()}
    headers: dict[str, Any] = {
        name: {**text, "required": True, "schema": _header_schema(name)}
        for name, text in texts.items()
    }
    for name, text in ANSWER_HEADERS.items():
        headers[name] = {"description": text, "required": True, "schema": {"type": "string"}}
    headers[WAYS_HEADER] = {
        "description": "How to say who calls (RFC 9110): Bearer, with an API key or access token.",
        "required": True,
        "schema": {"type": "string"},
    }
    headers[RETRY_HEADER] = {
        "description": "Seconds to wait before the next try.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    }
    return headers


def _header_schema(name: str) -> dict[str, Any]:
    return {"type": "string"} if name == "X-Request-Id" else {"type": "integer", "minimum": -1}
