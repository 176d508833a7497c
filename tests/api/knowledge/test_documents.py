"""Documents: in by every way, processed, found in pieces, gone without a trace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest

from core.config import Settings
from core.services import Services
from tests.api.conftest import Member

Work = Callable[[], Awaitable[int]]
TEXT = "The slipway is closed on Mondays.\n\nVarnish dries in eight hours at twenty degrees."


async def _add(member: Member, base_path: str, **body: object) -> httpx.Response:
    return await member.program.post(f"{base_path}/documents", json=body)


def _blob_count(services: Services) -> int:
    return sum(path.is_file() for path in (services.settings.data_dir / "blobs").rglob("*"))


async def test_a_text_is_accepted_processed_and_read_in_pieces(
    member: Member, base_path: str, work: Work
) -> None:
    made = await _add(member, base_path, text=TEXT, name="yard.md", metadata={"year": 2024})
    assert (made.status_code, made.json()["status"]) == (202, "pending")
    await work()
    path = f"{base_path}/documents/{made.json()['id']}"
    document = (await member.program.get(path)).json()
    assert (document["status"], document["progress"]) == ("completed", 1.0)
    assert (document["mimeType"], document["metadata"]) == ("text/markdown", {"year": 2024})
    chunks = (await member.program.get(f"{path}/chunks")).json()["data"]
    assert len(chunks) == document["chunkCount"] > 0
    assert "Varnish dries in eight hours" in " ".join(chunk["content"] for chunk in chunks)
    base = (await member.program.get(base_path)).json()
    assert (base["documentCount"], base["chunkCount"]) == (1, len(chunks))
    listed = (await member.program.get(f"{base_path}/documents")).json()["data"]
    assert listed == [document]


@pytest.mark.parametrize(
    "metadata",
    ['{"a":', "[1]", '{"a": NaN}', '{"a": 1e999}', r'{"a": "\u0000"}', r'{"a": ["\ud800"]}'],
)
async def test_a_forms_metadata_is_refused_as_a_bodys_is(
    member: Member, base_path: str, metadata: str
) -> None:
    refused = await member.program.post(
        f"{base_path}/documents",
        files={"file": ("yard.txt", TEXT.encode())},
        data={"metadata": metadata},
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


async def test_a_forms_file_may_come_with_metadata(member: Member, base_path: str) -> None:
    made = await member.program.post(
        f"{base_path}/documents",
        files={"file": ("yard.txt", TEXT.encode())},
        data={"metadata": '{"year": 2024}'},
    )
    assert made.status_code == 202, made.text
    assert (made.json()["name"], made.json()["metadata"]) == ("yard.txt", {"year": 2024})


async def test_the_same_content_again_is_the_same_document(
    member: Member, base_path: str, services: Services
) -> None:
    first = (await _add(member, base_path, text=TEXT, name="a.txt")).json()
    again = await _add(member, base_path, text=TEXT, name="b.txt")
    assert again.status_code == 200
    assert again.json()["duplicateOf"] == again.json()["id"] == first["id"]
    assert (await member.program.get(base_path)).json()["documentCount"] == 1
    assert _blob_count(services) == 1


async def test_a_document_outlives_the_file_it_was_made_from(
    member: Member, base_path: str, services: Services, work: Work
) -> None:
    upload = {"file": ("yard.txt", TEXT.encode())}
    file = (await member.program.post("/api/files/upload", files=upload)).json()
    made = await _add(member, base_path, fileId=file["id"])
    assert (made.status_code, made.json()["fileId"]) == (202, file["id"])
    assert (await member.program.delete(f"/api/files/{file['id']}")).status_code == 204
    await work()
    path = f"{base_path}/documents/{made.json()['id']}"
    assert (await member.program.get(path)).json()["status"] == "completed"
    assert (await member.program.delete(path)).status_code == 204
    assert _blob_count(services) == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"text": ""}, 400),
        ({"text": "   \n"}, 400),
        ({"text": "x", "fileId": "file_x"}, 400),
        ({"fileId": {"path": "/etc/passwd"}}, 400),
        ({"text": "x", "path": "/etc/passwd"}, 400),
        ({"text": "x", "name": "a/.."}, 400),
        ({"text": "x", "metadata": "none"}, 400),
        ({"text": "\x00"}, 400),
        ({"url": "file:///etc/passwd"}, 400),
        ({"url": "http://127.0.0.1:1/"}, 400),
        ({"fileId": "/etc/passwd"}, 404),
    ],
)
async def test_bad_input_leaves_nothing(
    member: Member, base_path: str, services: Services, body: dict[str, object], status: int
) -> None:
    answer = await _add(member, base_path, **body)
    assert answer.status_code == status, answer.text
    assert (await member.program.get(f"{base_path}/documents")).json()["data"] == []
    assert _blob_count(services) == 0


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("empty.pdf", b"", 400),
        ("program.pdf", b"MZ" + bytes(300), 415),
        ("large.txt", b"x" * 70_000, 413),
    ],
)
async def test_a_bad_file_leaves_nothing(
    member: Member,
    base_path: str,
    services: Services,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    status: int,
) -> None:
    monkeypatch.setattr(settings, "max_upload_bytes", 65_536)
    files = {"file": (name, content, "application/pdf")}
    answer = await member.program.post(f"{base_path}/documents", files=files)
    assert answer.status_code == status, answer.text
    assert (await member.program.get(f"{base_path}/documents")).json()["data"] == []
    assert _blob_count(services) == 0


async def test_a_body_too_large_is_refused(
    member: Member, base_path: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "max_body_bytes", 1000)
    answer = await _add(member, base_path, text="x" * 2000)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"text": NaN}', "application/json", 400),
        (b'{"text": "\\ud800"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"text=x", "application/x-www-form-urlencoded", 415),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(
    member: Member, base_path: str, content: bytes, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type}
    answer = await member.program.post(f"{base_path}/documents", content=content, headers=headers)
    assert answer.status_code == status


async def test_a_deleted_base_takes_its_documents_with_it(
    member: Member, base_path: str, services: Services, work: Work
) -> None:
    made = (await _add(member, base_path, text=TEXT)).json()
    await work()
    assert (await member.program.delete(base_path)).status_code == 204
    assert (await member.program.get(f"{base_path}/documents/{made['id']}")).status_code == 404
    assert _blob_count(services) == 0


async def test_waiting_documents_are_cancelled_and_ended_ones_run_again(
    member: Member, base_path: str, work: Work
) -> None:
    made = (await _add(member, base_path, text=TEXT)).json()
    path = f"{base_path}/documents/{made['id']}"
    assert (await member.program.post(f"{path}/reprocess")).status_code == 409
    cancelled = await member.program.post(f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (await member.program.post(f"{path}/cancel")).status_code == 409
    again = await member.program.post(f"{path}/reprocess")
    assert (again.status_code, again.json()["status"]) == (202, "pending")
    await work()
    assert (await member.program.get(path)).json()["status"] == "completed"


async def test_metadata_is_replaced_whole_and_a_document_disabled(
    member: Member, base_path: str
) -> None:
    made = (await _add(member, base_path, text=TEXT, metadata={"a": 1, "b": 2})).json()
    path = f"{base_path}/documents/{made['id']}"
    patched = (await member.program.patch(path, json={"metadata": {"a": 3}})).json()
    assert (patched["metadata"], patched["enabled"]) == ({"a": 3}, True)
    disabled = (await member.program.patch(path, json={"enabled": False})).json()
    assert (disabled["metadata"], disabled["enabled"]) == ({"a": 3}, False)


async def test_a_deleted_workspace_takes_everything_with_it(
    member: Member, services: Services
) -> None:
    workspace = (await member.browser.post("/api/workspaces", json={"name": "Two"})).json()
    here = {"workspaceId": workspace["id"]}
    base = (await member.browser.post("/api/knowledge", params=here, json={"name": "B"})).json()
    document = {"text": TEXT, "workspaceId": workspace["id"]}
    made = await member.browser.post(f"/api/knowledge/{base['id']}/documents", json=document)
    assert made.status_code == 202, made.text
    files = {"file": ("other.txt", b"other text")}
    assert (
        await member.browser.post("/api/files/upload", params=here, files=files)
    ).status_code == 201
    assert _blob_count(services) == 2
    gone = await member.browser.delete(f"/api/workspaces/{workspace['id']}")
    assert gone.status_code == 204
    assert (await member.browser.get("/api/knowledge", params=here)).status_code == 404
    assert _blob_count(services) == 0
