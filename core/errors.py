"""Errors of the service: each class carries its wire code and status, each instance its sentence.

A sentence says what is wrong and what to do next; it may be shown to any caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


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
    """Return what is wrong with each field, in our words and without what was sent."""
    found = error.errors(include_url=False, include_input=False)
    return [issue(".".join(map(str, e["loc"])), explain_issue(e), e["type"]) for e in found]


def explain_issue(found: ErrorDetails) -> str:
    """Return what is wrong with a field, as the rest of a sentence that names it."""
    context = found.get("ctx", {})
    if found["type"] == "value_error":
        return str(context["error"])  # a validator's own words
    return _ISSUES.get(found["type"], "is not valid").format_map(context)


# By pydantic's types of errors; the names in braces are those of its contexts.
_ISSUES: Final = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "datetime_from_date_parsing": "must be a time with its zone, as in 2030-01-31T00:00:00Z",
    "datetime_parsing": "must be a time with its zone, as in 2030-01-31T00:00:00Z",
    "dict_type": "must be an object",
    "enum": "must be {expected}",
    "extra_forbidden": "is unknown; remove it",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_type": "must be a whole number",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "missing": "is required",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "string_pattern_mismatch": "has the wrong form; it must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_type": "must be a text",
    "timezone_aware": "must be a time with its zone, as in 2030-01-31T00:00:00Z",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
    "union_tag_invalid": "must be one of {expected_tags}",
    "union_tag_not_found": "must say its kind in {discriminator}",
}
