"""Whether the process lives, and whether it can serve."""

from __future__ import annotations

from redis.exceptions import RedisError

from api.access import PUBLIC
from api.call import Call, Reply
from api.endpoint import endpoint
from api.warmth import warmth
from core.services import Services


@endpoint("GET", "/api/health/live", access=PUBLIC, counted=False)
async def live() -> dict[str, str]:
    return {"status": "ok"}


@endpoint("GET", "/api/health/ready", access=PUBLIC, counted=False)
async def ready(call: Call) -> Reply:
    """200 when database, Redis and models answer; 503 says which does not yet."""
    checks = {
        "database": await call.services.store.answers(),
        "redis": await _redis_answers(call.services),
        "models": warmth.is_warm,
    }
    is_ready = all(checks.values())
    body = {"status": "ready" if is_ready else "starting", "checks": checks}
    if warmth.failure:
        body["error"] = warmth.failure
    return Reply(body, 200 if is_ready else 503, {} if is_ready else {"Retry-After": "1"})


async def _redis_answers(services: Services) -> bool:
    try:
        return bool(await services.redis.ping())
    except (RedisError, OSError):
        return False
