"""Errors of the service: each class carries its wire code and status, each instance its sentence.

A sentence says what is wrong and what to do next; it may be shown to any caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from pydantic import ValidationError


class NuxaError(Exception):
    """Something a caller is told about, rendered as ``{"error": {code, message, details}}``."""

    code: ClassVar[str] = "INTERNAL_ERROR"
    status: ClassVar[int] = 500

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}


class ValidationFailed(NuxaError):
    """The request is malformed; ``details.issues`` lists ``{path, message, code}``."""

    code = "VALIDATION_ERROR"
    status = 400

    @classmethod
    def at(
        cls, path: str, message: str, code: str = "invalid", *, sentence: str | None = None
    ) -> Self:
        """Return the error for one field; ``sentence`` is said instead of the issue's message."""
        return cls(sentence or message, {"issues": [issue(path, message, code)]})


class Unauthorized(NuxaError):
    code = "UNAUTHORIZED"
    status = 401


class Forbidden(NuxaError):
    code = "FORBIDDEN"
    status = 403


class NotFound(NuxaError):
    code = "NOT_FOUND"
    status = 404


class MethodNotAllowed(NuxaError):
    code = "METHOD_NOT_ALLOWED"
    status = 405


class TimedOut(NuxaError):
    code = "TIMEOUT"
    status = 408


class Conflict(NuxaError):
    code = "CONFLICT"
    status = 409


class StillRunning(Conflict):
    """The same was asked for before and is being done; ``retry_after`` is in seconds."""

    retry_after: int = 1


class PayloadTooLarge(NuxaError):
    code = "PAYLOAD_TOO_LARGE"
    status = 413


class UnsupportedMediaType(NuxaError):
    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class RangeNotSatisfiable(NuxaError):
    code = "RANGE_NOT_SATISFIABLE"
    status = 416


class Locked(NuxaError):
    code = "LOCKED"
    status = 423


class RateLimited(NuxaError):
    """``details.reason`` is ``rate`` or ``concurrency``; ``retry_after`` is in seconds."""

    code = "RATE_LIMITED"
    status = 429

    def __init__(self, message: str, reason: str, retry_after: int = 1) -> None:
        super().__init__(message, {"reason": reason})
        self.retry_after = retry_after


class UpstreamError(NuxaError):
    """A service we called (a model, a tool) failed or answered nonsense."""

    code = "UPSTREAM_ERROR"
    status = 502


class ServiceUnavailable(NuxaError):
    code = "SERVICE_UNAVAILABLE"
    status = 503
    retry_after: int = 5


def issue(path: str, message: str, code: str = "invalid") -> dict[str, str]:
    """Return one entry of ``details.issues``; ``path`` has dots between a field and its part."""
    return {"path": path, "message": message, "code": code}


def issues_of(error: ValidationError) -> list[dict[str, str]]:
    """Return what pydantic found, without what was sent."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [issue(".".join(map(str, e["loc"])), e["msg"], e["type"]) for e in found]
