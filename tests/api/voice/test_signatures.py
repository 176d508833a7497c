"""Signatures, to the byte."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from api.voice.signatures import (
    daily_signature,
    is_from_daily,
    is_from_twilio,
    twilio_signature,
)

# https://www.twilio.com/docs/usage/security
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": ["CA1234567890ABCDE"],
    "Caller": ["+14158675309"],
    "Digits": ["1234"],
    "From": ["+14158675309"],
    "To": ["+18005551212"],
}
SIGNED = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
SECRET = base64.b64encode(b"a secret of Daily's").decode()


def test_twilios_own_example() -> None:
    assert twilio_signature(URL, FORM, "12345") == SIGNED
    assert is_from_twilio(SIGNED, URL, FORM, b"", "12345")


@pytest.mark.parametrize(
    ("given", "url", "token"),
    [
        ("", URL, "12345"),
        (SIGNED, URL + "&more=1", "12345"),
        (SIGNED, URL, "12346"),
        (SIGNED.lower(), URL, "12345"),
        (SIGNED + "é", URL, "12345"),
    ],
)
def test_anything_else_is_refused(given: str, url: str, token: str) -> None:
    assert not is_from_twilio(given, url, FORM, b"", token)


def test_a_field_more_or_changed_is_refused() -> None:
    assert not is_from_twilio(SIGNED, URL, {**FORM, "Digits": ["1235"]}, b"", "12345")
    assert not is_from_twilio(SIGNED, URL, {**FORM, "Extra": [""]}, b"", "12345")


def test_a_json_body_is_named_by_its_hash_in_the_url() -> None:
    body = b'{"CallSid":"CA1"}'
    url = f"https://mycompany.com/x?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signed = twilio_signature(url, {}, "12345")
    assert is_from_twilio(signed, url, None, body, "12345")
    assert not is_from_twilio(signed, url, None, body + b" ", "12345")
    bare = "https://mycompany.com/x"
    assert not is_from_twilio(twilio_signature(bare, {}, "12345"), bare, None, body, "12345")


def test_daily_signs_time_and_body_with_the_decoded_secret() -> None:
    expected = hmac.new(b"a secret of Daily's", b"1700000000.{}", hashlib.sha256).digest()
    signed = daily_signature(b"{}", "1700000000", SECRET)
    assert signed == base64.b64encode(expected).decode()
    assert is_from_daily(signed, "1700000000", b"{}", SECRET, now=1_700_000_100)
    assert not is_from_daily(signed, "1700000000", b"{} ", SECRET, now=1_700_000_100)
    assert not is_from_daily(signed, "1700000001", b"{}", SECRET, now=1_700_000_100)
    assert not is_from_daily("", "1700000000", b"{}", SECRET, now=1_700_000_100)


@pytest.mark.parametrize("timestamp", ["", "soon", "nan", "inf", "1600000000", "1800000000"])
def test_a_time_that_is_none_or_long_ago_is_refused(timestamp: str) -> None:
    signed = daily_signature(b"{}", timestamp, SECRET)
    assert not is_from_daily(signed, timestamp, b"{}", SECRET, now=1_700_000_100)


def test_milliseconds_are_understood() -> None:
    signed = daily_signature(b"{}", "1700000000123", SECRET)
    assert is_from_daily(signed, "1700000000123", b"{}", SECRET, now=1_700_000_100)
