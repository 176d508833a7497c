"""Webhooks that come as multipart forms: fields as texts, files as files of the workspace."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.config import Settings
from core.webhook_signing import sign
from tests.api.conftest import Member
from tests.api.workflows.test_webhooks import Hook, hook

__all__ = ["hook"]

SECRET = "a-secret-of-theirs"

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
FIELDS = {"subject": "Invoice", "tag": ["a", "b"]}
FILES = [
    ("attachment", ("bill.pdf", PDF, "text/html")),
    ("note", ("../note.txt", b"Paid.", "text/plain")),
]


def _blobs(settings: Settings) -> set[Path]:
    return {path for path in (settings.data_dir / "blobs").rglob("*") if path.is_file()}


def _request(url: str, **given: Any) -> httpx.Request:
    request = httpx.Request("POST", url, **given)
    request.read()
    return request


async def _input(member: Member, answer: httpx.Response) -> dict[str, Any]:
    path = f"/api/v1/executions/{answer.json()['executionId']}"
    record: dict[str, Any] = (await member.program.get(path)).json()
    given: dict[str, Any] = record["input"]
    return given


async def test_form_webhook_with_files_gives_the_run_fields_and_file_ids(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member
) -> None:
    workflow_id = await hook(auth="none")
    answer = await anonymous.post(f"/api/webhooks/{workflow_id}", data=FIELDS, files=FILES)
    assert answer.status_code == 200, answer.text
    given = await _input(member, answer)
    assert given["body"] == given["data"] == FIELDS
    files = [(file["field"], file["name"], file["size"]) for file in given["files"]]
    assert files == [("attachment", "bill.pdf", len(PDF)), ("note", "note.txt", 5)]
    assert given["files"][0]["mimeType"] == "application/pdf"
    path = f"/api/files/{given['files'][1]['fileId']}/download"
    assert (await member.program.get(path)).content == b"Paid."


async def test_form_webhook_sent_twice_stores_its_files_once(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member, settings: Settings
) -> None:
    workflow_id = await hook(auth="none", mode="async")
    before = _blobs(settings)
    for _ in range(2):
        answer = await anonymous.post(
            f"/api/webhooks/{workflow_id}",
            data=FIELDS,
            files=FILES,
            headers={"webhook-id": "msg_1"},
        )
        assert answer.status_code == 202, answer.text
    assert len((await member.program.get("/api/files")).json()["data"]) == 2
    assert len(_blobs(settings) - before) == 2


async def test_form_webhook_signed_over_its_raw_body_is_taken(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member
) -> None:
    workflow_id = await hook(auth="hmac", secrets=[SECRET])
    large = [("file", ("large.txt", b"words and words " * 20_000, "text/plain"))]
    request = _request(f"{anonymous.base_url}/api/webhooks/{workflow_id}", data=FIELDS, files=large)
    request.headers.update(sign(request.content, [SECRET], "msg_1", int(time.time())))
    answer = await anonymous.send(request)
    assert answer.status_code == 200, answer.text
    assert (await _input(member, answer))["files"][0]["size"] == 320_000


@pytest.mark.parametrize(
    ("fields", "files", "status"),
    [
        (FIELDS, [("a", ("a.txt", b"fine", "")), ("b", ("b.txt", b"", ""))], 400),  # empty
        (FIELDS, [("a", ("a.txt", b"fine", "")), ("b", ("b.exe", b"MZ\x00\x01" * 99, ""))], 415),
        ({"a": "NUL \x00"}, FILES, 400),
        ({"a": "x" * (1 << 20)}, FILES, 413),
        ({str(number): "x" for number in range(60)}, FILES, 413),  # parts
    ],
)
async def test_form_webhook_that_is_refused_stores_nothing(
    hook: Hook,
    anonymous: httpx.AsyncClient,
    member: Member,
    settings: Settings,
    fields: dict[str, Any],
    files: list[Any],
    status: int,
) -> None:
    workflow_id = await hook(auth="none")
    before = _blobs(settings)
    answer = await anonymous.post(f"/api/webhooks/{workflow_id}", data=fields, files=files)
    assert answer.status_code == status, answer.text
    assert _blobs(settings) == before
    assert (await member.program.get("/api/files")).json()["data"] == []


async def test_form_webhook_of_a_draft_stores_nothing(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member, settings: Settings
) -> None:
    workflow_id = await hook(auth="none", deploy=False)
    before = _blobs(settings)
    answer = await anonymous.post(f"/api/webhooks/{workflow_id}", data=FIELDS, files=FILES)
    assert answer.status_code == 409, answer.text
    assert _blobs(settings) == before
    assert (await member.program.get("/api/files")).json()["data"] == []


async def test_form_webhook_with_wrong_signature_stores_nothing(
    hook: Hook, anonymous: httpx.AsyncClient, member: Member, settings: Settings
) -> None:
    workflow_id = await hook(auth="hmac", secrets=[SECRET])
    before = _blobs(settings)
    request = _request(f"{anonymous.base_url}/api/webhooks/{workflow_id}", data=FIELDS, files=FILES)
    request.headers.update(sign(request.content + b" ", [SECRET], "msg_1", int(time.time())))
    answer = await anonymous.send(request)
    assert answer.status_code == 401, answer.text
    assert _blobs(settings) == before


async def test_form_webhook_beyond_the_limit_is_too_large(
    hook: Hook,
    anonymous: httpx.AsyncClient,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "webhook_form_max_bytes", 100_000)
    workflow_id = await hook(auth="none")
    before = _blobs(settings)
    files = [("file", ("large.txt", b"words " * 20_000, "text/plain"))]
    answer = await anonymous.post(f"/api/webhooks/{workflow_id}", files=files)
    assert answer.status_code == 413, answer.text
    assert _blobs(settings) == before
