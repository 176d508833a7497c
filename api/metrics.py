"""What Prometheus asks for: this process's requests, and the state that all processes share."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from api.access import PUBLIC
from api.call import Call, Facts, Reply
from api.endpoint import Media, endpoint
from core import tally
from core.config import Settings
from core.errors import Forbidden, Unauthorized
from core.redis_names import METRICS
from core.services import Services

COUNTS_TTL_MS: Final = 5_000
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_registry: Final = CollectorRegistry()
ProcessCollector(registry=_registry)
_requests: Final = Histogram(
    "nuxa_request_seconds",
    "Time until the answer begins, by method, route and status.",
    ("method", "route", "status"),
    buckets=_SECONDS,
    registry=_registry,
)

_delays: Final = Histogram(
    "nuxa_event_loop_delay_seconds",
    "How late the event loop woke a task: the time that something else held it.",
    buckets=_SECONDS,
    registry=_registry,
)
_WATCH_SECONDS: Final = 0.02


async def watch_event_loop() -> None:
    """Note, for ever, how long whatever runs in this process keeps the event loop to itself."""
    while True:
        started = time.monotonic()
        await asyncio.sleep(_WATCH_SECONDS)
        _delays.observe(max(0.0, time.monotonic() - started - _WATCH_SECONDS))


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Note one answered request; ``route`` is the template, never the path itself."""
    _requests.labels(method, route, str(status)).observe(seconds)


@endpoint(
    "GET",
    "/metrics",
    access=PUBLIC,
    counted=False,
    answers={200: Media("text/plain")},
    errors=(Unauthorized, Forbidden),
)
async def metrics(call: Call) -> Reply:
    """Metrics in Prometheus' text format: with NUXA_METRICS_TOKEN by bearer, else on loopback."""
    _check(call.request, call.services.settings)
    shared = CollectorRegistry()
    shared.register(_Shared(await _state(call.services)))
    text = generate_latest(_registry) + generate_latest(shared)
    return Reply(content=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _check(asked: Facts, settings: Settings) -> None:
    if settings.metrics_token is not None:
        expected = f"Bearer {settings.metrics_token.get_secret_value()}".encode()
        given = asked.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(expected, given):
            raise Unauthorized("Send NUXA_METRICS_TOKEN as the bearer token.")
        return
    # A proxy on this machine calls from loopback too: it says whom for.
    is_forwarded = "X-Forwarded-For" in asked.headers or "Forwarded" in asked.headers
    if is_forwarded or not _is_loopback(asked.address):
        raise Forbidden("Metrics are for this machine only; set NUXA_METRICS_TOKEN to read them.")


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


async def _read_counts(services: Services) -> dict[str, dict[str, int]]:
    """Count jobs by status, from a result that all processes share for a few seconds.

    Counting reads whole tables; callers must not multiply that cost.
    """
    cached = await services.redis.get(METRICS)
    if cached is not None:
        return dict(json.loads(cached))
    async with services.store.system() as system:
        counts = {
            "documents": await system.document_jobs.count_by_status(),
            "files": await system.file_jobs.count_by_status(),
            "executions": await system.execution_jobs.count_by_status(),
        }
    await services.redis.set(METRICS, json.dumps(counts), px=COUNTS_TTL_MS)
    return counts


class _Shared(Collector):
    """Metrics read a moment ago; a registry wants an object that hands them out."""

    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        yield from self._found


async def _state(services: Services) -> list[Metric]:
    counts = await _read_counts(services)
    found: list[Metric] = []
    for noun, by_status in counts.items():
        family = GaugeMetricFamily(f"nuxa_{noun}", f"Rows by status: {noun}.", labels=["status"])
        for status, count in by_status.items():
            family.add_metric([status], count)
        found.append(family)
    queue = GaugeMetricFamily("nuxa_queue_depth", "Wakes no worker has taken.", labels=["queue"])
    queue.add_metric(["documents"], await services.queue.depth("documents"))
    queue.add_metric(["executions"], await services.queue.depth("executions"))
    found.append(queue)
    memory = await services.redis.info("memory")
    for name, field in (("used", "used_memory"), ("limit", "maxmemory")):
        meaning = f"Memory of Valkey or Redis: {name}; a limit of 0 is none."
        found.append(GaugeMetricFamily(f"nuxa_redis_memory_{name}_bytes", meaning, memory[field]))
    for name, value in (await tally.read(services.redis)).items():
        meaning = f"{name.replace('_', ' ')}, by all workers since Redis began."
        found.append(CounterMetricFamily(f"nuxa_{name}", meaning, value))
    return found
