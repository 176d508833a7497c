"""Signatures of webhooks: made for those we send, checked on those we get.

Four schemes, all HMAC-SHA256 over the raw bytes of the body:

- Standard Webhooks (standardwebhooks.com): ``webhook-id``, ``webhook-timestamp`` (Unix seconds) and
  ``webhook-signature``, of ``v1,<base64>`` over ``id.timestamp.body``; Svix names them ``svix-…``.
- ``X-Webhook-Signature: t=<time>,v1=<hex>`` over ``time.body``; the time is in Unix seconds, or in
  milliseconds as Sim sends it.
- Slack's ``X-Slack-Signature: v0=<hex>`` over ``v0:time:body``, for webhooks of Slack alone.
- GitHub's ``X-Hub-Signature-256: sha256=<hex>`` over the body alone. It carries no time: only the
  claim of the delivery's id stands against a replay.

Names of headers may be in whatever case.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping, Sequence
from mmap import mmap
from typing import Final

from core.errors import Unauthorized

WINDOW_SECONDS: Final = 300
Body = bytes | mmap
_STANDARD: Final = ("webhook", "svix")
_OURS: Final = "X-Webhook-Signature"
_GITHUB: Final = "X-Hub-Signature-256"
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - says that base64 follows
_FIRST_MILLISECONDS: Final = 10**11  # in seconds that is the year 5138


class SignatureRefused(Unauthorized):
    """A webhook is not signed, not by who should have, or not lately."""


def sign(body: bytes, secrets: Sequence[str], message_id: str, at: int) -> dict[str, str]:
    """Return the headers that sign a body with each secret: Standard Webhooks' and ours.

    ``message_id`` stays the same when a message is sent again, ``at`` is when it is sent, in Unix
    seconds. Two secrets sign while one replaces the other.
    """
    standard = [_standard_mac(secret, message_id, str(at), body) for secret in secrets]
    ours = [_hex_mac(secret, f"{at}.".encode(), body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{mac}" for mac in standard),
        _OURS: ",".join([f"t={at}", *(f"v1={mac}" for mac in ours)]),
    }


def verify(
    headers: Mapping[str, str], body: Body, secrets: Sequence[str], now: float | None = None
) -> str | None:
    """Return the message's id, where that is signed too, if one of the secrets signed the body.

    Where several schemes are there, the strongest alone counts: a weaker one is no way round it.
    Raises ``SignatureRefused`` for any other signature, one that was not made within five minutes
    of ``now``, and always without a secret.
    """
    usable = [secret for secret in secrets if secret]
    at = time.time() if now is None else now
    headers = {name.lower(): value for name, value in headers.items()}
    for prefix in _STANDARD:
        if f"{prefix}-signature" in headers:
            return _verify_standard(prefix, headers, body, usable, at)
    if (ours := headers.get(_OURS.lower())) is not None:
        _verify_ours(ours, body, usable, at)
        return None
    if (theirs := headers.get(_GITHUB.lower())) is not None:
        wanted = [f"sha256={_hex_mac(secret, b'', body)}" for secret in usable]
        _require_one([theirs.strip()], wanted)
        return None
    raise SignatureRefused(
        "The webhook is not signed: send webhook-id, webhook-timestamp and webhook-signature "
        f"(Standard Webhooks), {_OURS}, or {_GITHUB}."
    )


def verify_slack(
    headers: Mapping[str, str], body: Body, secrets: Sequence[str], now: float | None = None
) -> None:
    """Check Slack's signature of a request; raises ``SignatureRefused`` as :func:`verify` does."""
    headers = {name.lower(): value for name, value in headers.items()}
    given = headers.get("x-slack-signature")
    if given is None:
        raise SignatureRefused("The request is not signed by Slack: X-Slack-Signature is missing.")
    at = headers.get("x-slack-request-timestamp", "")
    _require_recent(at, 1, time.time() if now is None else now)
    head = f"v0:{at}:".encode()
    wanted = [f"v0={_hex_mac(secret, head, body)}" for secret in secrets if secret]
    _require_one([given.strip()], wanted)


def _verify_standard(
    prefix: str, headers: Mapping[str, str], body: Body, secrets: Sequence[str], now: float
) -> str:
    message_id, at = headers.get(f"{prefix}-id", ""), headers.get(f"{prefix}-timestamp", "")
    if not message_id:
        raise SignatureRefused(f"The header {prefix}-id is missing; it is part of what is signed.")
    _require_recent(at, 1, now)
    wanted = [f"v1,{_standard_mac(secret, message_id, at, body)}" for secret in secrets]
    _require_one(headers[f"{prefix}-signature"].split(), wanted)
    return message_id


def _verify_ours(header: str, body: Body, secrets: Sequence[str], now: float) -> None:
    parts = [part.strip().partition("=") for part in header.split(",")]
    at = next((value for name, _, value in parts if name == "t"), "")
    is_milliseconds = at.isdecimal() and int(at[:20]) >= _FIRST_MILLISECONDS
    _require_recent(at, 1000 if is_milliseconds else 1, now)
    wanted = [_hex_mac(secret, f"{at}.".encode(), body) for secret in secrets]
    _require_one([value for name, _, value in parts if name == "v1"], wanted)


def _require_recent(at: str, per_second: int, now: float) -> None:
    if not (at.isascii() and at.isdecimal() and len(at) < 20):
        raise SignatureRefused("The time of the signature is missing or no Unix time; add it.")
    if abs(now - int(at) / per_second) > WINDOW_SECONDS:
        raise SignatureRefused(
            f"The signature was made more than {WINDOW_SECONDS // 60} minutes from now; sign each "
            "attempt anew, and set the sender's clock."
        )


def _require_one(given: Iterable[str], wanted: Sequence[str]) -> None:
    """Compare each with each, all of them, so that the time taken says nothing of any."""
    pairs = [(one.encode(), other.encode()) for one in given for other in wanted]
    fits = [hmac.compare_digest(one, other) for one, other in pairs]
    if not any(fits):
        raise SignatureRefused("The signature does not fit: check the secret and the signed bytes.")


def _standard_mac(secret: str, message_id: str, at: str, body: Body) -> str:
    mac = _mac(_standard_key(secret), f"{message_id}.{at}.".encode(), body)
    return base64.b64encode(mac).decode()


def _standard_key(secret: str) -> bytes:
    """Return the bytes behind ``whsec_<base64>``; any other secret is taken as it stands."""
    if secret.startswith(_SECRET_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()


def _hex_mac(secret: str, head: bytes, body: Body) -> str:
    return _mac(secret.encode(), head, body).hex()


def _mac(key: bytes, head: bytes, body: Body) -> bytes:
    mac = hmac.new(key, head, hashlib.sha256)
    mac.update(body)
    return mac.digest()
