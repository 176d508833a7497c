"""The one place where errors become answers: ``{"error": {code, message, details}}``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import structlog
from pydantic import ValidationError
from redis.exceptions import ConnectionError as RedisUnreachable
from redis.exceptions import OutOfMemoryError as RedisFull
from redis.exceptions import TimeoutError as RedisSilent
from werkzeug.exceptions import HTTPException

from api.call import Reply
from core.errors import (
    MethodNotAllowed,
    NotFound,
    NuxaError,
    PayloadTooLarge,
    RangeNotSatisfiable,
    RateLimited,
    ServiceUnavailable,
    StillRunning,
    Unauthorized,
    ValidationFailed,
    issues_of,
)
from core.events import REDIS_FULL
from core.json_values import JsonTooDeep

T = TypeVar("T")

log = structlog.get_logger(__name__)


class InternalError(NuxaError):
    """Something broke here; the log has the rest under the request's id."""


_HTTP: Final[dict[int, Callable[[], NuxaError]]] = {
    404: lambda: NotFound("There is no such path; see /api/openapi.json for those there are."),
    405: lambda: MethodNotAllowed("This path does not take this method; see the header Allow."),
    413: lambda: PayloadTooLarge("The body is too large."),
}


def answer(error: Exception, request_id: str) -> Reply:
    """Return the answer for whatever was raised; what was not foreseen is logged, not shown."""
    known = told(error, request_id)
    return Reply(
        {"error": {"code": known.code, "message": known.message, "details": known.details}},
        known.status,
        _headers(known, error),
    )


def told(error: Exception, request_id: str) -> NuxaError:
    """Return what a caller is told of whatever was raised; the rest goes to the log."""
    known = _known(error)
    if known is None:
        log.error("request failed", exc_info=error)
        return InternalError(f"Something went wrong here; report the request id {request_id}.")
    if known.status >= 500:
        log.warning("request refused", code=known.code, error=str(error))
    return known


def found(row: T | None, what: str) -> T:
    """Return a row that was asked for by id; raises ``NotFound`` when it is not the caller's."""
    if row is None:
        raise NotFound(f"There is no such {what} in this workspace; check the id.")
    return row


def invalid(error: ValidationError) -> ValidationFailed:
    """Return pydantic's findings as the contract lists them."""
    issues = issues_of(error)
    paths = ", ".join(sorted({each["path"] or "body" for each in issues}))
    return ValidationFailed(f"Correct these fields and send it again: {paths}.", {"issues": issues})


def _known(error: Exception) -> NuxaError | None:
    if isinstance(error, NuxaError):
        return error
    if isinstance(error, HTTPException):
        make = _HTTP.get(error.code or 500)
        return make() if make else ValidationFailed("This request cannot be read.")
    if isinstance(error, RedisUnreachable | RedisSilent | ConnectionRefusedError):
        return ServiceUnavailable("A server behind the service does not answer; try again soon.")
    if isinstance(error, RedisFull):
        return ServiceUnavailable(REDIS_FULL)
    if isinstance(error, RecursionError):
        return JsonTooDeep()
    return None


def _headers(known: NuxaError, error: Exception) -> dict[str, str]:
    if isinstance(known, RateLimited | ServiceUnavailable | StillRunning):
        return {"Retry-After": str(known.retry_after)}
    if isinstance(known, Unauthorized):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(known, RangeNotSatisfiable):
        return {"Content-Range": f"bytes */{known.details['size']}"}
    methods = getattr(error, "valid_methods", None)
    return {"Allow": ", ".join(sorted(methods))} if methods else {}
