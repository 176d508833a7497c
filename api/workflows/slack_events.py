"""Slack's Events API as it comes to a webhook: https://docs.slack.dev/apis/events-api."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import JsonValue

from api.wire import Wire, left_away

_EVENT: Final = "event_callback"
_MAX_UNIX_SECONDS: Final = 1 << 32


class SlackAnswer(Wire):
    """What Slack is told without a run: ``challenge`` proves who has the URL."""

    challenge: str | None = left_away()
    ignored: bool | None = left_away()


def answer_without_run(body: JsonValue) -> SlackAnswer | None:
    """Answer Slack's own messages, and events that the app itself caused; else return None.

    A workflow that posts to a channel would otherwise start itself with each message.
    """
    if not isinstance(body, dict):
        return None
    if body.get("type") == "url_verification":
        return SlackAnswer(challenge=str(body.get("challenge", ""))[:1000])
    if body.get("type") == "app_rate_limited" or _is_own_event(body):
        return SlackAnswer(ignored=True)
    return None


def event_id_of(body: JsonValue) -> str | None:
    """Return the id of an event, the same at each retry."""
    event_id = body.get("event_id") if isinstance(body, dict) else None
    return event_id if isinstance(event_id, str) and 0 < len(event_id) <= 255 else None


def read_event(body: JsonValue) -> dict[str, JsonValue]:
    """Return ``event``, ``data`` and ``timestamp`` of a run's input, where the body has an event.

    ``data`` is the event's object, ``event`` its type.
    """
    if not isinstance(body, dict) or body.get("type") != _EVENT:
        return {}
    event = body.get("event")
    fields: dict[str, JsonValue] = {"data": event}
    fields["event"] = event.get("type") if isinstance(event, dict) else None
    at = body.get("event_time")
    if isinstance(at, int) and 0 < at < _MAX_UNIX_SECONDS:
        fields["timestamp"] = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    return fields


def _is_own_event(body: Mapping[str, Any]) -> bool:
    event = body.get("event")
    if body.get("type") != _EVENT or not isinstance(event, dict):
        return False
    profile = event.get("bot_profile")
    apps = {event.get("app_id"), profile.get("app_id") if isinstance(profile, dict) else None}
    if body.get("api_app_id") in apps - {None}:
        return True
    rows = body.get("authorizations")
    bots = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    users = [row.get("user_id") for row in bots if row.get("is_bot")]
    return event.get("user") is not None and event.get("user") in users
