"""The embedded Valkey stays within its memory: event logs go first, queues never."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from core.embedded.valkey import EmbeddedValkey

LIMIT = 32 * 1024**2


def _wait_until_used_memory_is_within(redis: Redis, most: float) -> None:
    """Valkey frees what it drops in a thread of its own, a moment later."""
    deadline = time.monotonic() + 30
    while redis.info("memory")["used_memory"] > most:  # type: ignore[index]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_valkey_at_its_limit_drops_expiring_logs_and_keeps_queues(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path, LIMIT)
    server.start()
    try:
        redis = Redis.from_url(server.url)
        redis.lpush("executions", *range(100))
        for number in range(100):
            redis.xadd(f"log:{number}", {"e": "x" * 1_000_000})
            redis.expire(f"log:{number}", 3600)
        assert redis.info("memory")["maxmemory"] == LIMIT  # type: ignore[index]
        _wait_until_used_memory_is_within(redis, LIMIT * 1.1)
        assert redis.llen("executions") == 100
        assert redis.exists("log:99")
        assert not redis.exists("log:0")
        with pytest.raises(OutOfMemoryError):
            for number in range(100):
                redis.set(f"kept:{number}", "x" * 1_000_000)
        assert redis.llen("executions") == 100
    finally:
        server.stop()
