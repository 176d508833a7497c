"""Setting up and removing an authenticator app."""

from __future__ import annotations

import asyncio

import pyotp

from api.access import SIGNED_IN
from api.auth import second_factor
from api.auth.second_factor import Code
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.wire import Wire
from core.errors import Conflict, NotFound, ValidationFailed
from core.store.unit import SystemUnit

_ISSUER = "Nuxa Flow"


class FactorState(Wire):
    """`recoveryCodesLeft` counts the unused ones."""

    totp_enabled: bool
    recovery_codes_left: int


class TotpSecret(Wire):
    """The only answer with the secret; `otpauthUri` is what a QR code shows to the app."""

    secret: str
    otpauth_uri: str


class TotpCode(Wire):
    """A `code` that the app shows."""

    code: Code


class RecoveryCodesAnswer(Wire):
    """The only answer with the codes; each signs in once in place of the app."""

    recovery_codes: list[str]


@endpoint("GET", "/api/auth/second-factor", access=SIGNED_IN.session_only())
async def get_second_factor(call: Call) -> FactorState:
    """Return whether sign-in needs a code of an authenticator app."""
    async with call.services.store.system() as system:
        return FactorState(
            totp_enabled=await system.totp_factors.confirmed(call.user_id) is not None,
            recovery_codes_left=await system.recovery_codes.count(call.user_id),
        )


@endpoint("POST", "/api/auth/totp", access=SIGNED_IN, status=201, recent_login=True)
async def create_totp(call: Call) -> TotpSecret:
    """Make a secret for an authenticator app; it counts once a code confirms it."""
    secret = pyotp.random_base32()
    sealed = await asyncio.to_thread(call.services.sealer.seal, secret)
    async with call.services.store.system() as system:
        user = found(await system.users.get(call.user_id), "user")
        if await system.totp_factors.confirmed(call.user_id) is not None:
            raise Conflict("An authenticator app is set up already; remove it first.")
        await system.totp_factors.put(call.user_id, sealed)
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=_ISSUER)
    return TotpSecret(secret=secret, otpauth_uri=uri)


@endpoint("POST", "/api/auth/totp/confirm", access=SIGNED_IN, recent_login=True)
async def confirm_totp(call: Call, body: TotpCode) -> RecoveryCodesAnswer:
    """Require codes of the app from now on; the answer has the recovery codes."""
    services = call.services
    async with services.store.system() as system:
        factor = await system.totp_factors.get(call.user_id)
        if factor is None or factor.confirmed_at is not None:
            raise Conflict("No authenticator app waits to be confirmed; POST /api/auth/totp first.")
        secret = await asyncio.to_thread(services.sealer.open, factor.sealed_secret)
        step = second_factor.match_step(secret, body.code)
        if step is None:
            raise ValidationFailed.at("code", "is wrong; send the code that the app shows")
        if not await system.totp_factors.confirm(call.user_id, factor.sealed_secret, step):
            raise Conflict("The authenticator app was changed meanwhile; start again.")
        return await _replace_codes(system, call.user_id)


@endpoint("POST", "/api/auth/recovery-codes", access=SIGNED_IN, recent_login=True)
async def replace_recovery_codes(call: Call) -> RecoveryCodesAnswer:
    """Make new recovery codes; earlier ones end."""
    async with call.services.store.system() as system:
        await _require_totp(system, call.user_id)
        return await _replace_codes(system, call.user_id)


@endpoint("DELETE", "/api/auth/totp", access=SIGNED_IN, status=204, recent_login=True)
async def delete_totp(call: Call) -> None:
    """Remove the authenticator app and the recovery codes."""
    async with call.services.store.system() as system:
        await _require_totp(system, call.user_id)
        await system.totp_factors.delete(call.user_id)
        await system.recovery_codes.delete_of(call.user_id)


async def _require_totp(system: SystemUnit, user_id: str) -> None:
    if await system.totp_factors.confirmed(user_id) is None:
        raise NotFound("No authenticator app is set up; POST /api/auth/totp to add one.")


async def _replace_codes(system: SystemUnit, user_id: str) -> RecoveryCodesAnswer:
    codes = second_factor.new_recovery_codes()
    hashes = [second_factor.hash_recovery_code(code) for code in codes]
    await system.recovery_codes.replace(user_id, hashes)
    return RecoveryCodesAnswer(recovery_codes=codes)
