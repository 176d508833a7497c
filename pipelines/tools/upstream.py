"""Calls to the services behind the tools, and their refusals said in sentences."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from core.errors import UpstreamError
from core.http import Answer
from pipelines.references import dig

M = TypeVar("M", bound=BaseModel)
_LONGEST_QUOTE = 300


class ServiceRefused(UpstreamError):
    """A service answered that it did not do what was asked.

    ``details``: ``service``, ``status`` (of HTTP), ``reason`` (the service's own code) and, where
    it said so, ``retryAfter`` in seconds.
    """


def refused(
    service: str, answer: Answer, said: str = "", reason: str = "", status: int | None = None
) -> ServiceRefused:
    """Return the error for an answer that is a refusal; ``status`` if the true one is another."""
    status = status or answer.status
    wait = retry_after(answer)
    details: dict[str, Any] = {"service": service, "status": answer.status}
    details |= {"reason": reason} if reason else {}
    details |= {"retryAfter": wait} if wait is not None else {}
    quote = f" ({said[:_LONGEST_QUOTE]})" if said else ""
    return ServiceRefused(f"{service} {_sentence(status, quote, wait)}.", details)


def _sentence(status: int, quote: str, wait: int | None) -> str:
    if status == 401:
        return f"does not accept the credential{quote}. Save a valid one in the workspace's secrets"
    if status == 403:
        return f"does not allow this{quote}. Give the credential the right that it needs"
    if status == 404:
        return f"does not know what was named{quote}. Correct it"
    if status == 429:
        pause = f"in {wait} s" if wait is not None else "later"
        return f"takes no more requests at the moment{quote}. Try again {pause}"
    if status >= 500:
        return f"failed on its side{quote}. Try again later"
    if status < 400:
        return f"did not answer as its API should{quote}. Check its base URL in the settings"
    return f"did not accept the request{quote}. Correct it"


def understood(service: str, model: type[M], answer: Answer) -> M:
    """Return a successful answer as a model; raises ``UpstreamError`` when it is none."""
    try:
        return model.model_validate(answer.json())
    except ValidationError as error:
        raise refused(service, answer, "its answer lacks what it should hold") from error


def said_in(answer: Answer, *path: str) -> str:
    """Return a text inside an error's JSON body, or ``''`` when there is none."""
    try:
        body: JsonValue = answer.json()
    except UpstreamError:
        return ""
    found = dig(body, path)
    return found if isinstance(found, str) else ""


def retry_after(answer: Answer) -> int | None:
    """Return the seconds that an answer asks to wait, from seconds or a date."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return int(value[:9])
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0, round((until - datetime.now(UTC)).total_seconds()))
