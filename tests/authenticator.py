"""A software authenticator that makes passkeys and signs with them, as a browser would send it."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT, _VERIFIED, _HAS_KEY = 0x01, 0x04, 0x40
_ES256: Final = -7


def encode(data: bytes) -> str:
    """Return base64url without padding, as the JSON forms have it."""
    return urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Authenticator:
    """One passkey (ES256) with a packed self-attestation; attributes can be set to lie."""

    origin: str
    is_user_verified: bool = True
    sign_count: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    user_handle: str | None = None
    cose: bytes | None = None  # instead of the public key

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer `navigator.credentials.create`."""
        self.user_handle = options["user"]["id"]
        client = self._client_data("webauthn.create", options["challenge"])
        data = self._authenticator_data(options["rp"]["id"], self._attested())
        statement = {"alg": _ES256, "sig": self._sign(data, client)}
        attestation = {"fmt": "packed", "attStmt": statement, "authData": data}
        return self._credential(
            {
                "clientDataJSON": encode(client),
                "attestationObject": encode(cbor2.dumps(attestation)),
            }
        )

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer `navigator.credentials.get`."""
        self.sign_count += 1
        client = self._client_data("webauthn.get", options["challenge"])
        data = self._authenticator_data(options["rpId"], b"")
        return self._credential(
            {
                "clientDataJSON": encode(client),
                "authenticatorData": encode(data),
                "signature": encode(self._sign(data, client)),
                "userHandle": self.user_handle,
            }
        )

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        name = encode(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}

    def _client_data(self, kind: str, challenge: str) -> bytes:
        data = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(data).encode()

    def _authenticator_data(self, rp_id: str, attested: bytes) -> bytes:
        flags = _PRESENT | (_VERIFIED if self.is_user_verified else 0)
        flags |= _HAS_KEY if attested else 0
        hashed = hashlib.sha256(rp_id.encode()).digest()
        return hashed + struct.pack(">BI", flags, self.sign_count) + attested

    def _attested(self) -> bytes:
        point = self.key.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        cose = self.cose or cbor2.dumps({1: 2, 3: _ES256, -1: 1, -2: x, -3: y})
        length = struct.pack(">H", len(self.credential_id))
        return bytes(16) + length + self.credential_id + cose

    def _sign(self, data: bytes, client: bytes) -> bytes:
        return self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
