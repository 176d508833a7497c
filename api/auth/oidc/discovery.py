"""What an issuer says of itself (OpenID Connect Discovery), and the keys it signs with."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ValidationError

from core.errors import UpstreamError
from core.http import HttpClient, Outgoing

_FRESH_SECONDS: Final = 600.0
_BETWEEN_KEYS_SECONDS: Final = 10.0  # an unknown key asks anew, a flood of them does not
_KINDS: Final = frozenset({"RSA", "EC", "OKP"})


class Metadata(BaseModel):
    """The parts of ``/.well-known/openid-configuration`` that signing in takes."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]


@dataclass
class Issuer:
    """One issuer as this process knows it; asks again after ten minutes."""

    url: str
    _metadata: Metadata | None = None
    _keys: KeySet | None = None
    _read_at: dict[str, float] = field(default_factory=dict)

    async def metadata(self, http: HttpClient) -> Metadata:
        """Return the issuer's metadata; raises ``UpstreamError`` when it is not as it should."""
        if self._metadata is None or self._age("metadata") > _FRESH_SECONDS:
            url = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
            self._metadata = self._checked(await self._json(http, url))
            self._read_at["metadata"] = time.monotonic()
        return self._metadata

    async def keys(self, http: HttpClient, kid: str | None) -> KeySet:
        """Return the issuer's signing keys, read anew where one is not among them."""
        is_known = self._keys is not None and (
            kid in {key.kid for key in self._keys.keys} or not kid
        )
        wait = _FRESH_SECONDS if is_known else _BETWEEN_KEYS_SECONDS
        if self._keys is None or self._age("keys") > wait:
            metadata = await self.metadata(http)
            self._keys = _key_set(await self._json(http, metadata.jwks_uri))
            self._read_at["keys"] = time.monotonic()
        return self._keys

    def _age(self, what: str) -> float:
        return time.monotonic() - self._read_at[what]

    def _checked(self, data: dict[str, Any]) -> Metadata:
        try:
            metadata = Metadata.model_validate(data)
        except ValidationError as error:
            raise UpstreamError(f"{self.url} does not describe itself as OIDC asks.") from error
        if metadata.issuer != self.url:
            raise UpstreamError(f"{self.url} says that it is {metadata.issuer[:200]}.")
        endpoints = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
        if self.url.startswith("https:") and {urlsplit(e).scheme for e in endpoints} != {"https"}:
            raise UpstreamError(f"{self.url} names endpoints that are not https.")
        return metadata

    async def _json(self, http: HttpClient, url: str) -> dict[str, Any]:
        answer = await http.request(Outgoing("GET", url, redirects=0, trusting=self.url))
        data = answer.json() if answer.is_success else None
        if not isinstance(data, dict):
            raise UpstreamError(f"{self.url} answered {answer.status} instead of its metadata.")
        return data


def _key_set(data: dict[str, Any]) -> KeySet:
    listed = data.get("keys")
    usable = [
        key
        for key in (listed if isinstance(listed, list) else [])
        if isinstance(key, dict) and key.get("kty") in _KINDS and key.get("use", "sig") == "sig"
    ]
    try:
        return KeySet.import_key_set({"keys": usable})
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise UpstreamError("The provider's keys cannot be read.") from error
