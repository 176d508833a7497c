"""The main job over HTTP, through two API processes: what one is told, the other must know."""

from __future__ import annotations

import time
from typing import Any

import httpx

from api.sample.workflow import QUESTION, sample_workflow
from api.seed import DOCUMENTS
from tests.walks.system import events

WAIT_SECONDS = 300


def sign_up(url: str, email: str) -> dict[str, str]:
    """Make an account and a key; return the headers that carry it."""
    with httpx.Client(base_url=url, timeout=60) as client:
        account = {"email": email, "password": "a long walking password", "name": "Walker"}
        _ok(client.post("/api/auth/signup", json=account), 201)
        made = _ok(client.post("/api/auth/api-keys", json={"name": "walk"}), 201)
        return {"x-api-key": made["key"]}


def walk(first: httpx.Client, second: httpx.Client) -> None:
    """Upload, read, search, ask, run; raises AssertionError where the contract is broken."""
    base = _ok(first.post("/api/knowledge", json={"name": "Boatyard"}), 201)
    for path in sorted(DOCUMENTS.iterdir()):
        _ok(_upload(first, base["id"], path.name, path.read_bytes()), 202)
    _wait_read(second, base["id"])
    _check_search(first, base["id"])
    _check_search(second, base["id"])
    _check_chat(first, second, base["id"])
    _check_runs(first, second, base["id"])


def _upload(client: httpx.Client, base_id: str, name: str, content: bytes) -> httpx.Response:
    return client.post(f"/api/knowledge/{base_id}/documents", files={"file": (name, content)})


def _wait_read(client: httpx.Client, base_id: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        listed = _ok(client.get(f"/api/knowledge/{base_id}/documents"))["data"]
        statuses = {document["name"]: document["status"] for document in listed}
        if set(statuses.values()) == {"completed"}:
            return
        assert "failed" not in statuses.values(), listed
        assert time.monotonic() < deadline, statuses
        time.sleep(0.5)


def _check_search(client: httpx.Client, base_id: str) -> None:
    query = {"query": "Who inspected the crane?", "topK": "5"}
    found = _ok(client.get(f"/api/knowledge/{base_id}/search", params=query))["results"]
    assert found[0]["documentName"] == "crane-inspection-scan.png"
    assert "Marit Haugen" in found[0]["content"]


def _check_chat(first: httpx.Client, second: httpx.Client, base_id: str) -> None:
    """Ask one process; read the same turn again from the other."""
    asked = {"message": QUESTION, "knowledgeBaseIds": [base_id]}
    sent = events(first.post("/api/copilot/stream", json=asked))
    assert sent[-1]["type"] == "done"
    assert any(event["type"] == "citation" for event in sent)
    again = second.get(f"/api/copilot/streams/{sent[0]['messageId']}")
    assert events(again) == sent


def _check_runs(first: httpx.Client, second: httpx.Client, base_id: str) -> None:
    created = _ok(
        first.post("/api/workflows", json={"name": "Ask", **sample_workflow(base_id)}), 201
    )
    workflow = f"/api/workflows/{created['id']}"
    _ok(second.post(f"{workflow}/deploy"))
    given = {"input": {"question": QUESTION}}
    assert "five years" in _ok(second.post(f"{workflow}/execute", json=given))["answer"]
    queued = _ok(first.post(f"{workflow}/execute", json={**given, "async": True}), 202)
    record = _wait_run(second, f"{workflow}/executions/{queued['executionId']}")
    assert record["status"] == "completed", record
    assert "five years" in record["output"]["data"]["answer"]


def _wait_run(client: httpx.Client, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_SECONDS
    while (record := _ok(client.get(path)))["status"] in ("queued", "running"):
        assert time.monotonic() < deadline, record
        time.sleep(0.2)
    return record


def _ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, f"{answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json()
