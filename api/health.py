"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

from typing import Literal

from redis.exceptions import RedisError

from api.access import PUBLIC
from api.call import Call, Reply
from api.endpoint import endpoint
from api.warmth import warmth
from api.wire import Wire, left_away
from core.services import Services


class Alive(Wire):
    status: Literal["ok"]


class Readiness(Wire):
    """``error`` is there once loading the models failed."""

    status: Literal["ready", "starting"]
    checks: dict[str, bool]
    error: str | None = left_away()


@endpoint("GET", "/api/health/live", access=PUBLIC, counted=False)
async def live() -> Alive:
    """Say that the process lives."""
    return Alive(status="ok")


@endpoint(
    "GET",
    "/api/health/ready",
    access=PUBLIC,
    counted=False,
    answers={200: Readiness, 503: Readiness},
)
async def ready(call: Call) -> Reply:
    """Answer 200 when database, Redis and models answer; 503 says which does not yet."""
    checks = {
        "database": await call.services.store.answers(),
        "redis": await _redis_answers(call.services),
        "models": warmth.is_warm,
    }
    is_ready = all(checks.values())
    body = Readiness(
        status="ready" if is_ready else "starting", checks=checks, error=warmth.failure or None
    )
    return Reply(body, 200 if is_ready else 503, {} if is_ready else {"Retry-After": "1"})


async def _redis_answers(services: Services) -> bool:
    try:
        return bool(await services.redis.ping())
    except (RedisError, OSError):
        return False
