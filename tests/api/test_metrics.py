"""Metrics tell what is so, and only to whom they may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from api import metrics
from core.config import Settings
from tests.api.conftest import Member


@pytest.fixture(autouse=True)
def fresh_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts that expire at once, so that each test sees its own rows."""
    monkeypatch.setattr(metrics, "COUNTS_TTL_MS", 1)


async def _samples(client: httpx.AsyncClient) -> dict[str, float]:
    answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def _request(route: str, status: str) -> str:
    labels = [("method", "GET"), ("route", route), ("status", status)]
    return f"nuxa_request_seconds_count{labels}"


async def test_requests_are_counted_by_template_and_status(member: Member) -> None:
    before = await _samples(member.program)
    for path in ("/api/files/file_one", "/api/files/file_two", "/no/such/path"):
        await member.program.get(path)
    after = await _samples(member.program)
    for route, count in (("/api/files/<file_id>", 2), ("none", 1)):
        name = _request(route, "404")
        assert after[name] - before.get(name, 0) == count
    assert not [name for name in after if "file_one" in name or "/no/such" in name]


async def test_jobs_and_embedding_are_counted_over_all_processes(
    member: Member, work: Callable[[], Awaitable[int]]
) -> None:
    base = (await member.program.post("/api/knowledge", json={"name": "b"})).json()["id"]
    for text in ("One.", "Two."):
        await member.program.post(f"/api/knowledge/{base}/documents", json={"text": text})
    waiting = await _samples(member.program)
    assert waiting["nuxa_documents[('status', 'pending')]"] == 2
    # Documents that come soon after one another share a wake of the workers.
    assert waiting["nuxa_queue_depth[('queue', 'documents')]"] >= 1
    await work()
    done = await _samples(member.program)
    assert done["nuxa_documents[('status', 'completed')]"] == 2
    passages = "nuxa_embedded_passages_total[]"
    assert done[passages] - waiting[passages] == 2
    assert done["nuxa_embedding_seconds_total[]"] > waiting["nuxa_embedding_seconds_total[]"]
    assert done["process_resident_memory_bytes[]"] > 0


async def test_metrics_are_for_this_machine_or_for_who_has_the_token(
    anonymous: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await anonymous.get("/metrics")).status_code == 200
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    refused = await anonymous.get("/metrics", headers=forwarded)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "FORBIDDEN")
    monkeypatch.setattr(settings, "metrics_token", SecretStr("a long token"))
    for value in (None, "Bearer wrong", "Basic a long token", "Bearer a long tokén"):
        headers = {} if value is None else {"Authorization": value.encode()}
        assert (await anonymous.get("/metrics", headers=headers)).status_code == 401
    given = forwarded | {"Authorization": "Bearer a long token"}
    assert (await anonymous.get("/metrics", headers=given)).status_code == 200


async def test_metrics_scraped_twice_counts_rows_once(
    member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "COUNTS_TTL_MS", 60_000)
    before = await _samples(member.program)
    base = (await member.program.post("/api/knowledge", json={"name": "b"})).json()["id"]
    await member.program.post(f"/api/knowledge/{base}/documents", json={"text": "One."})
    after = await _samples(member.program)
    pending = "nuxa_documents[('status', 'pending')]"
    assert after.get(pending) == before.get(pending)
