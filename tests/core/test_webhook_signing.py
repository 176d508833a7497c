"""Signatures of webhooks: published vectors, what is refused, and the change of a secret."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping

import pytest

from core.webhook_signing import WINDOW_SECONDS, SignatureRefused, sign, verify, verify_slack

OURS = "X-Webhook-Signature"
BODY, SECRET, AT = b'{"n": 1}', "a secret of theirs", 1_764_000_000


def signed(*, body: bytes = BODY, secret: str = SECRET, at: int = AT) -> dict[str, str]:
    return sign(body, [secret], "msg_1", at)


def standard(headers: Mapping[str, str]) -> dict[str, str]:
    """Only Standard Webhooks' headers."""
    return {name: value for name, value in headers.items() if name != OURS}


def test_the_vector_of_standard_webhooks() -> None:
    """From the specification's reference libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body, at = b'{"test": 2432232314}', 1614265330
    headers = sign(body, [secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    verify(standard(headers), body, [secret], at)


def test_the_vector_of_github() -> None:
    """From GitHub's page on validating deliveries."""
    mac = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"X-Hub-Signature-256": f"sha256={mac}"}
    verify(headers, b"Hello, World!", ["It's a Secret to Everybody"])
    with pytest.raises(SignatureRefused):
        verify(headers, b"Hello, World?", ["It's a Secret to Everybody"])


@pytest.mark.parametrize("names", ["standard", "svix", "ours", "sim"])
def test_a_signature_holds_for_its_own_bytes_secret_and_time(names: str) -> None:
    headers = _in_scheme(names, BODY, AT)
    signed_id = "msg_1" if names in ("standard", "svix") else None
    assert verify(headers, BODY, [SECRET], AT + 10) == signed_id
    for body, secret, now in (
        (b'{"n":1}', SECRET, AT),  # the same JSON in other bytes
        (BODY, "another", AT),
        (BODY, "", AT),
        (BODY, SECRET, AT + WINDOW_SECONDS + 1),
        (BODY, SECRET, AT - WINDOW_SECONDS - 1),
    ):
        with pytest.raises(SignatureRefused):
            verify(headers, body, [secret], now)
    with pytest.raises(SignatureRefused):
        verify(headers, BODY, [], AT)


def _in_scheme(names: str, body: bytes, at: int) -> dict[str, str]:
    made = signed(body=body, at=at)
    if names == "standard":
        return standard(made)
    if names == "svix":
        pairs = [(name.replace("webhook", "svix"), value) for name, value in made.items()]
        return {name: value for name, value in pairs if name.startswith("svix-")}
    if names == "ours":
        return {OURS: made[OURS]}
    mac = hmac.new(SECRET.encode(), f"{at}000.".encode() + body, hashlib.sha256).hexdigest()
    return {OURS: f"t={at}000,v1={mac}"}


def test_while_a_secret_is_exchanged_both_are_taken_and_both_sign() -> None:
    verify(signed(secret="old"), BODY, ["new", "old"], AT)
    both = sign(BODY, ["new", "old"], "msg_1", AT)
    for secret in ("new", "old"):
        verify(standard(both), BODY, [secret], AT)
        verify({OURS: both[OURS]}, BODY, [secret], AT)


def test_a_weaker_scheme_is_no_way_round_a_broken_stronger_one() -> None:
    good = signed()
    bad_standard = {**good, "webhook-signature": "v1,AAAA"}
    with pytest.raises(SignatureRefused):
        verify(bad_standard, BODY, [SECRET], AT)


def test_the_id_is_signed() -> None:
    for message_id in ("msg_2", ""):
        with pytest.raises(SignatureRefused):
            verify(standard({**signed(), "webhook-id": message_id}), BODY, [SECRET], AT)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {OURS: ""},
        {OURS: "v1=00"},
        {OURS: "t=soon,v1=00"},
        {OURS: f"t={AT}"},
        {OURS: "t=" + "9" * 400 + ",v1=00"},
        {OURS: f"t={AT},v1=é"},
        {OURS: "t=٣٣٣,v1=00"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-id": "1", "webhook-timestamp": str(AT), "webhook-signature": "v1a,AAAA"},
        {"webhook-id": "1", "webhook-timestamp": "", "webhook-signature": "v1,AAAA"},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": "ü"},
    ],
)
def test_what_is_no_signature_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureRefused):
        verify(headers, BODY, [SECRET], AT)


def test_now_is_now() -> None:
    verify(signed(at=int(time.time())), BODY, [SECRET])
    with pytest.raises(SignatureRefused):
        verify(signed(), BODY, [SECRET], time.time() + 10**9)


def test_verify_slack_with_the_vector_of_its_documentation_accepts_it() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    headers = {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": "1531420618"}
    verify_slack(headers, body, ["other", "8f742231b10e8888abcd99yyyzzz85a5"], 1531420618)
    for secrets, now in (
        (["other"], 1531420618),
        ([], 1531420618),
        (["8f742231b10e8888abcd99yyyzzz85a5"], 1531420919),
    ):
        with pytest.raises(SignatureRefused):
            verify_slack(headers, body, secrets, now)
