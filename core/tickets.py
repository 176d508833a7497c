"""Tickets: random tokens that work once, for a while, and for one purpose."""

from __future__ import annotations

import json
from typing import Any, Literal

from redis.asyncio import Redis

from core import redis_names
from core.security import hash_token, new_token

Purpose = Literal[
    "change_email", "oauth", "passkey", "reset", "second_factor", "socket", "verify_email"
]


async def issue(redis: Redis, purpose: Purpose, value: dict[str, Any], seconds: int) -> str:
    """Return a ticket for a JSON value; Redis keeps the value under the ticket's hash."""
    token = new_token()
    await redis.set(_key(purpose, token), json.dumps(value), ex=seconds)
    return token


async def redeem(redis: Redis, purpose: Purpose, token: str) -> dict[str, Any] | None:
    """Return what a ticket stands for, and end it; ``None`` for a used, late or made-up one."""
    stored = await redis.getdel(_key(purpose, token))
    value: dict[str, Any] | None = json.loads(stored) if stored else None
    return value


async def read(redis: Redis, purpose: Purpose, token: str) -> dict[str, Any] | None:
    """Return what a ticket stands for, and leave it; ``None`` for a used, late or made-up one."""
    stored = await redis.get(_key(purpose, token))
    value: dict[str, Any] | None = json.loads(stored) if stored else None
    return value


def _key(purpose: Purpose, token: str) -> str:
    return redis_names.ticket(purpose, hash_token(token))
