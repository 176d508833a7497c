"""Signatures of the services that bring calls, over what came to the byte.

Twilio: https://www.twilio.com/docs/usage/security#validating-requests
Daily: https://docs.daily.co/reference/rest-api/webhooks (the headers ``X-Webhook-Signature`` and
``X-Webhook-Timestamp``)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

_BODY_HASH: Final = "bodySHA256"
# Daily sends again for hours, and events are remembered for a week: older ones might be repeats
# that nobody remembers.
_OLDEST_SECONDS: Final = 6 * 86_400
_AHEAD_SECONDS: Final = 300
_FIRST_MILLISECONDS: Final = 10**11  # in seconds that is the year 5138


def twilio_signature(url: str, form: Mapping[str, Sequence[str]], token: str) -> str:
    """Return the base64 HMAC-SHA1 of the URL and the form's fields, sorted by name and value."""
    text = url + "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    mac = hmac.new(token.encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode()


def is_from_twilio(
    given: str, url: str, form: Mapping[str, Sequence[str]] | None, body: bytes, token: str
) -> bool:
    """Whether Twilio sent this; ``form`` is None for another body, whose hash the URL names."""
    if form is None:
        named = parse_qs(urlsplit(url).query).get(_BODY_HASH, [""])[0]
        if not hmac.compare_digest(hashlib.sha256(body).hexdigest(), named.lower()):
            return False
    expected = twilio_signature(url, form or {}, token)
    return hmac.compare_digest(expected.encode(), given.encode())


def daily_signature(body: bytes, timestamp: str, secret: str) -> str:
    """Return the base64 HMAC-SHA256 of time and body; raises ``ValueError`` for an odd secret."""
    key = base64.b64decode(secret, validate=True)
    mac = hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


def is_from_daily(
    given: str, timestamp: str, body: bytes, secret: str, now: float | None = None
) -> bool:
    """Whether Daily sent this, and not so long ago that it could be a repeat."""
    try:
        expected = daily_signature(body, timestamp, secret)
        sent = float(timestamp)
    except (ValueError, binascii.Error):
        return False
    sent = sent / 1000 if sent >= _FIRST_MILLISECONDS else sent
    age = (time.time() if now is None else now) - sent
    is_timely = -_AHEAD_SECONDS <= age <= _OLDEST_SECONDS
    return is_timely and hmac.compare_digest(expected.encode(), given.encode())
