"""Password hashes, random tokens and sealed values."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from core.errors import NuxaError, RateLimited

T = TypeVar("T")

_MAX_WAITING: Final = 16
_NICENESS: Final = 10
_hasher = PasswordHasher(parallelism=1)  # one core a password, not four
# Verified when the account does not exist, so that both answers take the same time.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


class SealBroken(NuxaError):
    """A sealed value cannot be opened with any configured key."""


class HashingPool:
    """Threads that hash passwords and nothing else, with a short queue.

    The default executor serves files: whoever signs up must not hold those up.
    """

    def __init__(self, threads: int, max_waiting: int) -> None:
        self._executor = ThreadPoolExecutor(threads, "passwords", initializer=_yield_to_others)
        self._room = threading.BoundedSemaphore(threads + max_waiting)

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Return what the function does; raises ``RateLimited`` when the queue is full."""
        if not self._room.acquire(blocking=False):
            raise RateLimited("Too many passwords are being checked; try again soon.", "rate", 2)
        work = self._executor.submit(function, *arguments)
        work.add_done_callback(self._make_room)  # when it has ended, whoever still waits for it
        return await asyncio.wrap_future(work)

    def _make_room(self, _: Future[T]) -> None:
        self._room.release()


def _yield_to_others() -> None:
    """Give way to the event loop's thread, where each thread has a priority of its own."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


_hashing: Final = HashingPool(max(1, (os.cpu_count() or 2) // 2), _MAX_WAITING)


async def hash_password(password: str) -> str:
    """Return an argon2id hash; raises ``RateLimited`` when too many are being made."""
    return await _hashing.run(_hasher.hash, password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    """Return whether the password matches; ``None`` costs the same time and never matches."""
    return await _hashing.run(_verify, password, password_hash)


def _verify(password: str, password_hash: str | None) -> bool:
    try:
        _hasher.verify(password_hash or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def new_token(prefix: str = "") -> str:
    """Return a token of 256 random bits, URL-safe, with an optional prefix."""
    return prefix + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return the SHA-256 of a random token: what is stored instead of it."""
    return hashlib.sha256(token.encode()).hexdigest()


class Sealer:
    """Seals small values at rest with Fernet; the first key seals, every key opens."""

    def __init__(self, keys: list[str]) -> None:
        self._newest = Fernet(keys[0])
        self._fernet = MultiFernet([self._newest, *(Fernet(key) for key in keys[1:])])

    def seal(self, value: str) -> str:
        return self._fernet.encrypt(value.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return the value; raises :class:`SealBroken` when no key fits."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise SealBroken(
                "A stored secret cannot be opened: set NUXA_SECRET_KEY to the key that sealed it."
            ) from error

    def reseal(self, sealed: str) -> str | None:
        """Return the value sealed with the newest key, None if it is; raises as :meth:`open`."""
        try:
            self._newest.decrypt(sealed.encode())
        except InvalidToken:
            return self.seal(self.open(sealed))
        return None


def load_or_make_key(path: Path) -> str:
    """Return the key in ``path``; make it first, readable by its owner only, if it is missing."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        key = Fernet.generate_key().decode()
        path.touch(mode=0o600, exist_ok=True)
        path.write_text(key)
        return key
