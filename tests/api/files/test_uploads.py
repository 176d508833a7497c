"""Uploads that go wrong: what is refused leaves nothing, what has a row keeps its bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config import Settings
from core.errors import ServiceUnavailable
from core.queue import Queue
from tests.api.conftest import Member


def _blobs(settings: Settings) -> set[Path]:
    return {path for path in (settings.data_dir / "blobs").rglob("*") if path.is_file()}


async def test_upload_with_a_field_that_is_no_utf8_is_a_validation_error(member: Member) -> None:
    base = (await member.program.post("/api/knowledge", json={"name": "Base"})).json()["id"]
    part = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n'
    body = part.format("metadata", "").encode() + b'\xff{"a": 1}\r\n'
    body += part.format("file", '; filename="a.txt"').encode() + b"text\r\n--b--\r\n"
    answer = await member.program.post(
        f"/api/knowledge/{base}/documents",
        content=body,
        headers={"content-type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code == 400, answer.text


async def test_upload_whose_workers_cannot_be_woken_keeps_the_bytes_of_its_document(
    member: Member, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = (await member.program.post("/api/knowledge", json={"name": "Base"})).json()["id"]

    async def wake(*_: object) -> None:
        raise ServiceUnavailable("The broker is away.")

    monkeypatch.setattr(Queue, "wake", wake)
    before = _blobs(settings)
    files = {"file": ("a.txt", b"Some text.", "text/plain")}
    answer = await member.program.post(f"/api/knowledge/{base}/documents", files=files)
    assert answer.status_code == 503, answer.text
    rows = (await member.program.get(f"/api/knowledge/{base}/documents")).json()["data"]
    assert [row["status"] for row in rows] == ["pending"]
    assert len(_blobs(settings) - before) == 1
