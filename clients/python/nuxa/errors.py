"""What the service, or the way to it, says no with: one class for each code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar


class NuxaError(Exception):
    """``message`` says what to do next; ``request_id`` names the request in the service's log."""

    code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        details: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.details = dict(details or {})
        self.request_id = request_id
        self.retry_after = retry_after


class ConnectionFailed(NuxaError):
    """The service was not reached, or the connection broke."""

    code = "CONNECTION_FAILED"


class ValidationFailed(NuxaError):
    """``details["issues"]`` lists what is wrong as ``{path, message, code}``."""

    code = "VALIDATION_ERROR"


class Unauthorized(NuxaError):
    code = "UNAUTHORIZED"


class Forbidden(NuxaError):
    code = "FORBIDDEN"


class NotFound(NuxaError):
    code = "NOT_FOUND"


class MethodNotAllowed(NuxaError):
    code = "METHOD_NOT_ALLOWED"


class TimedOut(NuxaError):
    code = "TIMEOUT"


class Conflict(NuxaError):
    code = "CONFLICT"


class PayloadTooLarge(NuxaError):
    code = "PAYLOAD_TOO_LARGE"


class UnsupportedMediaType(NuxaError):
    code = "UNSUPPORTED_MEDIA_TYPE"


class RangeNotSatisfiable(NuxaError):
    code = "RANGE_NOT_SATISFIABLE"


class Locked(NuxaError):
    code = "LOCKED"


class RateLimited(NuxaError):
    """``details["reason"]`` is ``rate`` or ``concurrency``."""

    code = "RATE_LIMITED"


class InternalError(NuxaError):
    code = "INTERNAL_ERROR"


class UpstreamError(NuxaError):
    code = "UPSTREAM_ERROR"


class ServiceUnavailable(NuxaError):
    code = "SERVICE_UNAVAILABLE"


_BY_CODE = {kind.code: kind for kind in NuxaError.__subclasses__()}


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> NuxaError:
    """Return the error that an answer tells of, whoever on the way has given it."""
    cause: Exception | None = None
    try:
        told = json.loads(body)["error"]
        code, message, details = str(told["code"]), str(told["message"]), told.get("details")
    except (ValueError, KeyError, TypeError) as unreadable:
        cause = unreadable
        code, message, details = "", f"The answer was {status} without words of the service.", None
    error = _BY_CODE.get(code, NuxaError)(
        message,
        status=status,
        details=details,
        request_id=headers.get("x-request-id"),
        retry_after=_seconds(headers.get("retry-after")),
    )
    error.__cause__ = cause
    return error


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
