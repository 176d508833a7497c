"""Wrong passwords slow down whoever sends them, not the account's owner elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from redis.asyncio import Redis

from core import redis_names
from core.errors import RateLimited

_WINDOW: Final = 15 * 60  # seconds
_DAY: Final = 24 * 3600  # seconds
_PER_ACCOUNT: Final = 10
_PER_ACCOUNT_ANYWHERE: Final = 200
_PER_ADDRESS: Final = 50
_MAILS_PER_ADDRESS: Final = 20
_MAILS_PER_ACCOUNT: Final = 5
_INVITATIONS_PER_PERSON: Final = 50
_CODES_PER_ACCOUNT: Final = 10  # of a million, three of which are right at a time


class Throttle:
    """Counts tries under several names, each with the most there may be in a window of seconds.

    A try is counted before its outcome is known: tries at the same moment do not slip through.
    """

    def __init__(self, redis: Redis, most: Mapping[str, int], window: int = _WINDOW) -> None:
        self._redis, self._window = redis, window
        self._most = dict(most)

    async def spend(self) -> None:
        """Count a try; raises ``RateLimited`` when it is one too many."""
        async with self._redis.pipeline() as pipe:
            for key in self._most:
                pipe.incr(key)
                pipe.expire(key, self._window, nx=True)
            answers = await pipe.execute()
        for (key, most), count in zip(self._most.items(), answers[::2], strict=True):
            if count > most:
                wait = max(1, await self._redis.ttl(key))
                raise RateLimited(f"Too many tries; try again in {wait} s.", "rate", wait)

    async def forgive(self) -> None:
        """Take back the try: it was a good one. The first name is cleared altogether."""
        first, *others = self._most
        async with self._redis.pipeline() as pipe:
            pipe.delete(first)
            for key in others:
                pipe.decr(key)
            await pipe.execute()


def of_sign_in(redis: Redis, email: str, address: str) -> Throttle:
    """Return the throttle of failures: of an account from an address block, of the block, and of
    the account from everywhere."""
    most = {
        redis_names.sign_ins_of_account(email, address): _PER_ACCOUNT,
        redis_names.sign_ins_of_address(address): _PER_ADDRESS,
        redis_names.sign_ins_of_email(email): _PER_ACCOUNT_ANYWHERE,
    }
    return Throttle(redis, most)


def of_sign_up(redis: Redis, address: str, limit: int) -> Throttle:
    """Return the throttle of who makes accounts."""
    return Throttle(redis, {} if limit < 0 else {redis_names.sign_ups_of_address(address): limit})


def of_reset(redis: Redis, address: str) -> Throttle:
    """Return the throttle of who asks for mails."""
    return Throttle(redis, {redis_names.resets_of_address(address): _MAILS_PER_ADDRESS})


def of_mail(redis: Redis, email: str) -> Throttle:
    """Return the throttle of mails to one account, whoever asks for them."""
    return Throttle(redis, {redis_names.mails_of_account(email): _MAILS_PER_ACCOUNT})


def of_second_factor(redis: Redis, user_id: str) -> Throttle:
    """Return the throttle of wrong codes for one account, whoever sends them."""
    return Throttle(redis, {redis_names.second_factors_of_person(user_id): _CODES_PER_ACCOUNT})


def of_invitations(redis: Redis, user_id: str) -> Throttle:
    """Return the throttle of mails with invitations from one person."""
    return Throttle(redis, {redis_names.invitations_of_person(user_id): _INVITATIONS_PER_PERSON})


def of_visitors(redis: Redis, name: str, limit: int) -> Throttle:
    """Return the throttle of messages that visitors send to a shared agent in a day."""
    return Throttle(redis, {name: limit}, _DAY)
