"""Settings that are more than one word."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from core.config import Settings


def test_providers_are_read_from_json_and_keep_their_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acme = {"issuer": "https://acme.example", "clientId": "nuxa", "clientSecret": "s3cret"}
    monkeypatch.setenv("NUXA_OAUTH_PROVIDERS", json.dumps({"acme": acme}))
    settings = Settings()
    known = settings.oauth_providers["acme"]
    assert (known.issuer, known.client_id) == ("https://acme.example", "nuxa")
    assert known.scopes == ["openid", "email", "profile"]
    assert "s3cret" not in repr(settings)


def test_a_provider_with_an_unknown_field_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    acme = {"issuer": "https://acme.example", "clientId": "nuxa", "secret": "s3cret"}
    monkeypatch.setenv("NUXA_OAUTH_PROVIDERS", json.dumps({"acme": acme}))
    with pytest.raises(ValidationError):
        Settings()
