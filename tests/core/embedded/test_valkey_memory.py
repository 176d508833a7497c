"""The embedded Valkey stays within its memory: event logs go first, queues never."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from core.embedded.valkey import EmbeddedValkey

LIMIT = 32 * 1024**2


def test_valkey_at_its_limit_drops_expiring_logs_and_keeps_queues(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path, LIMIT)
    server.start()
    try:
        redis = Redis.from_url(server.url)
        redis.lpush("executions", *range(100))
        for number in range(100):
            redis.xadd(f"log:{number}", {"e": "x" * 1_000_000})
            redis.expire(f"log:{number}", 3600)
        memory = redis.info("memory")
        assert memory["maxmemory"] == LIMIT  # type: ignore[index]
        assert memory["used_memory"] <= LIMIT * 1.1  # type: ignore[index]
        assert redis.llen("executions") == 100
        assert redis.exists("log:99")
        assert not redis.exists("log:0")
        with pytest.raises(OutOfMemoryError):
            for number in range(100):
                redis.set(f"kept:{number}", "x" * 1_000_000)
        assert redis.llen("executions") == 100
    finally:
        server.stop()
