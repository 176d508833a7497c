"""The second factor of a sign-in: a code of an authenticator app, or a recovery code."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from typing import Annotated, Final

import pyotp
from pydantic import StringConstraints
from pyotp.exceptions import OTPVerificationError

from api import throttle
from api.auth.accounts import password_mark
from api.call import Call
from core import tickets
from core.errors import SecondFactorRequired, Unauthorized
from core.security import hash_token
from core.services import Services
from core.store.users import User

CHALLENGE_SECONDS: Final = 300
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10
_ADJACENT_STEPS: Final = 1  # of 30 s, for clocks that differ

Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=6, max_length=40)]


async def require_none(services: Services, user: User) -> None:
    """Raise `SecondFactorRequired`, with a challenge, where a user has a second factor."""
    challenge = await challenge_of(services, user)
    if challenge is not None:
        raise SecondFactorRequired(
            "A second factor is required; POST challenge and code to /api/auth/second-factor.",
            {
                "challenge": challenge,
                "methods": ["totp", "recovery_code"],
                "expiresIn": CHALLENGE_SECONDS,
            },
        )


async def challenge_of(services: Services, user: User) -> str | None:
    """Return a challenge for a user who has proved a first factor; none without a second one."""
    async with services.store.system() as system:
        if await system.totp_factors.confirmed(user.id) is None:
            return None
    value = {"userId": user.id, "passwordMark": password_mark(user)}
    return await tickets.issue(services.redis, "second_factor", value, CHALLENGE_SECONDS)


async def answer_challenge(call: Call, challenge: str, code: str) -> User:
    """Return the user who a challenge was made for; use up the challenge and the code."""
    services = call.services
    value = await tickets.read(services.redis, "second_factor", challenge)
    if value is None:
        raise _expired()
    async with services.store.system() as system:
        user = await system.users.get(value["userId"])
    if user is None or password_mark(user) != value["passwordMark"]:
        raise _expired()
    await require_code(services, user.id, code)
    if await tickets.redeem(services.redis, "second_factor", challenge) is None:
        raise _expired()
    return user


async def require_code(services: Services, user_id: str, code: str) -> None:
    """Use up a code of a user's; raise `Unauthorized` for a wrong or used one."""
    tries = throttle.of_second_factor(services.redis, user_id)
    await tries.spend()
    if not await _use_code(services, user_id, code):
        raise Unauthorized("The code is wrong or was used; wait for the next one.")
    await tries.forgive()


async def _use_code(services: Services, user_id: str, code: str) -> bool:
    async with services.store.system() as system:
        factor = await system.totp_factors.confirmed(user_id)
        if factor is None:
            return False
        if not (code.isascii() and code.isdigit()):
            return await system.recovery_codes.use(user_id, hash_recovery_code(code))
        secret = await asyncio.to_thread(services.sealer.open, factor.sealed_secret)
        step = match_step(secret, code)
        return step is not None and await system.totp_factors.use_step(user_id, step)


def match_step(secret: str, code: str) -> int | None:
    """Return the time step whose code this is, near the present one; none for a wrong code."""
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(
            code, for_time=time.time(), valid_window=_ADJACENT_STEPS
        )
    except OTPVerificationError:
        return None


def new_recovery_codes() -> list[str]:
    """Return codes of 80 random bits, in four groups."""
    plain = [
        base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
        for _ in range(RECOVERY_CODES)
    ]
    return ["-".join(text[start : start + 4] for start in range(0, 16, 4)) for text in plain]


def hash_recovery_code(code: str) -> str:
    """Return what is stored of a code, however it is grouped and capitalized."""
    return hash_token("".join(code.lower().replace("-", " ").split()))


def _expired() -> Unauthorized:
    return Unauthorized("The challenge has expired; sign in again.")
