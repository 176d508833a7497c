"""The two ceremonies of Web Authentication: making a passkey, and signing with one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from core import tickets
from core.config import Settings
from core.errors import Unauthorized, ValidationFailed
from core.services import Services
from core.store.passkeys import Passkey
from core.store.users import User

_SECONDS: Final = 300
_RP_NAME: Final = "Nuxa Flow"
# What the library raises for attestations whose CBOR has parts of unforeseen types, too.
_MALFORMED: Final = (WebAuthnException, ValueError, TypeError, LookupError, AttributeError)

Ceremony = Literal["create", "get"]


@dataclass(frozen=True)
class Options:
    """Options for the browser; `challenge_id` names them once its answer arrives."""

    challenge_id: str
    public_key: dict[str, Any]


async def creation_options(services: Services, user: User, existing: Sequence[Passkey]) -> Options:
    """Return what a browser needs to make a passkey that signs in without a password."""
    options = webauthn.generate_registration_options(
        rp_id=_rp_id(services.settings),
        rp_name=_RP_NAME,
        user_id=user.id.encode(),
        user_name=user.email,
        user_display_name=user.name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(row.credential_id))
            for row in existing
        ],
    )
    return await _begin(services, "create", json.loads(options_to_json(options)), user.id)


async def request_options(services: Services) -> Options:
    """Return what a browser needs to sign with any passkey of this site.

    They name no credentials: the answer to anybody does not tell who has an account.
    """
    options = webauthn.generate_authentication_options(
        rp_id=_rp_id(services.settings),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return await _begin(services, "get", json.loads(options_to_json(options)), None)


async def verify_creation(
    services: Services, user_id: str, challenge_id: str, credential: dict[str, Any]
) -> VerifiedRegistration:
    """Return what a browser has made for a user; raise `ValidationFailed` for anything else."""
    challenge = await _end(services, "create", challenge_id, user_id)
    try:
        if challenge is None:
            raise ValueError("the challenge has expired")
        return webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_rp_id(services.settings),
            expected_origin=_origin(services.settings),
            require_user_verification=True,
        )
    except _MALFORMED as error:
        raise ValidationFailed.at(
            "credential",
            "is not a passkey for this site, account and challenge; request options again",
        ) from error


async def verify_signature(
    services: Services, challenge_id: str, credential: dict[str, Any]
) -> Passkey:
    """Return the passkey that has signed; raise `Unauthorized` for a wrong signature."""
    challenge = await _end(services, "get", challenge_id, None)
    credential_id = credential.get("id")
    async with services.store.system() as system:
        passkey = await system.passkeys.by_credential_id(str(credential_id))
        if challenge is None or passkey is None:
            raise _refused()
        try:
            verified = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=_rp_id(services.settings),
                expected_origin=_origin(services.settings),
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except _MALFORMED as error:
            raise _refused() from error
        handle = credential["response"].get("userHandle")
        if handle is not None and handle != bytes_to_base64url(passkey.user_id.encode()):
            raise _refused()
        if not await system.passkeys.note_use(passkey, verified.new_sign_count):
            raise _refused()
        return passkey


async def _begin(
    services: Services, ceremony: Ceremony, public_key: dict[str, Any], user_id: str | None
) -> Options:
    value = {"ceremony": ceremony, "challenge": public_key["challenge"], "userId": user_id}
    challenge_id = await tickets.issue(services.redis, "passkey", value, _SECONDS)
    return Options(challenge_id, public_key)


async def _end(
    services: Services, ceremony: Ceremony, challenge_id: str, user_id: str | None
) -> bytes | None:
    """Return a challenge that was made for this, and use it up."""
    value = await tickets.redeem(services.redis, "passkey", challenge_id)
    if value is None or (value["ceremony"], value["userId"]) != (ceremony, user_id):
        return None
    return base64url_to_bytes(value["challenge"])


def _rp_id(settings: Settings) -> str:
    return urlsplit(settings.base_url).hostname or "localhost"


def _origin(settings: Settings) -> str:
    parts = urlsplit(settings.base_url)
    return f"{parts.scheme}://{parts.netloc}"


def _refused() -> Unauthorized:
    return Unauthorized("The passkey is unknown, or its signature is wrong; try again.")
