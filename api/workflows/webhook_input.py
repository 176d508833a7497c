"""What a webhook's request becomes: the input of a run, and the sender's id of the delivery."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

import pydantic_core
from pydantic import JsonValue
from werkzeug.datastructures import Headers

from api.call import Facts
from core.errors import UnsupportedMediaType, ValidationFailed
from core.json_values import require_depth
from core.store.base import now

_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
_DELIVERY_IDS: Final = (
    "webhook-id",
    "svix-id",
    "X-GitHub-Delivery",
    "Idempotency-Key",
    "X-Webhook-Id",
    "X-Shopify-Webhook-Id",
    "X-Gitlab-Event-UUID",
    "X-Event-Id",
)
_EVENTS: Final = ("X-GitHub-Event", "X-Gitlab-Event", "X-Shopify-Topic", "X-Event-Type")
_LONGEST_ID: Final = 255
_MOST_FIELDS: Final = 1000
_FORM: Final = "application/x-www-form-urlencoded"


def input_of(facts: Facts, body: JsonValue) -> dict[str, JsonValue]:
    """Return ``{event, data, timestamp, body, headers, query, method}`` of a request.

    ``event``, ``data`` and ``timestamp`` are the body's fields of those names, else the header that
    names the event, the whole body, and now; a GET's query stands for its body. Credentials are
    left out of ``headers``.
    """
    query = _query_of(facts)
    fields = body if isinstance(body, dict) else {}
    named = next((facts.headers[name] for name in _EVENTS if name in facts.headers), None)
    return {
        "event": fields.get("event", named),
        "data": fields.get("data", body),
        "timestamp": fields.get("timestamp", now().isoformat().replace("+00:00", "Z")),
        "body": body,
        "headers": _shown(facts.headers),
        "query": query,
        "method": facts.method,
    }


def read_body(facts: Facts, raw: bytes) -> JsonValue:
    """Return what a body says: JSON, a form's fields or a text; a GET's query stands for it.

    Raises ``ValidationFailed`` for broken JSON or a broken form, and ``UnsupportedMediaType`` for
    what is no text.
    """
    return _query_of(facts) if facts.method == "GET" else _body(facts.headers, raw)


def delivery_id_of(headers: Headers) -> str | None:
    """Return the id that the sender gave the delivery, the same when it is sent again."""
    given = next((headers[name] for name in _DELIVERY_IDS if headers.get(name)), None)
    if given is not None and len(given) > _LONGEST_ID:
        raise ValidationFailed(f"The id of a delivery has at most {_LONGEST_ID} characters.")
    return given


def _query_of(facts: Facts) -> dict[str, JsonValue]:
    return {name: _one_or_all(values) for name, values in facts.query.items()}


def _body(headers: Headers, raw: bytes) -> JsonValue:
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    is_json = kind.endswith(("/json", "+json")) or (not kind and raw.lstrip()[:1] in (b"{", b"["))
    if not raw.strip():
        return None
    if is_json:
        return _json(raw)
    try:
        text = raw.decode("utf-8")
        form = parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError as error:
        raise UnsupportedMediaType(
            "A webhook takes JSON, a form or text in UTF-8; send a link to anything else."
        ) from error
    except ValueError as error:
        raise ValidationFailed("The body is not a valid form.") from error
    return {name: _one_or_all(values) for name, values in form.items()} if kind == _FORM else text


def _json(raw: bytes) -> JsonValue:
    try:
        read: Any = pydantic_core.from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise ValidationFailed("The body is not valid JSON, or nested too deep.") from error
    require_depth(read)
    body: JsonValue = read
    return body


def _one_or_all(values: list[str]) -> JsonValue:
    return values[0] if len(values) == 1 else [*values]


def _shown(headers: Headers) -> dict[str, JsonValue]:
    shown: dict[str, JsonValue] = {}
    for name in dict.fromkeys(name.lower() for name in headers.keys()):  # noqa: SIM118 - pairs
        if name not in _CREDENTIALS:
            shown[name] = ", ".join(headers.getlist(name))
    return shown
