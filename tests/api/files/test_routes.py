"""Files in, files out, and nothing left of what is refused."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from core.config import Settings
from core.services import Services
from core.store.pages import PageRequest
from tests.api.conftest import Member

TEXT = b"The quick brown fox jumps over the lazy dog.\n" * 100


async def _upload(member: Member, name: str, content: bytes) -> httpx.Response:
    return await member.program.post("/api/files/upload", files={"file": (name, content)})


async def _nothing_is_left(services: Services, member: Member) -> bool:
    async with services.store.unit(member.workspace_id) as unit:
        rows = (await unit.files.page(PageRequest(10))).rows
    blobs = [path for path in (services.settings.data_dir / "blobs").rglob("*") if path.is_file()]
    return not rows and not blobs


async def test_a_file_comes_back_as_it_went_in(member: Member) -> None:
    made = await _upload(member, "fox.txt", TEXT)
    assert made.status_code == 201, made.text
    file = made.json()
    assert (file["name"], file["size"], file["mimeType"]) == ("fox.txt", len(TEXT), "text/plain")
    assert file["checksum"] == hashlib.sha256(TEXT).hexdigest()
    back = await member.program.get(f"/api/files/{file['id']}/download")
    assert back.content == TEXT
    assert back.headers["X-Content-Type-Options"] == "nosniff"
    listed = (await member.program.get("/api/files")).json()
    assert listed == {"data": [file], "nextCursor": None}
    assert (await member.program.get(f"/api/files/{file['id']}")).json() == file


async def test_a_file_larger_than_any_buffer_comes_back_whole(member: Member) -> None:
    content = TEXT * 4500  # 20 MB
    made = await _upload(member, "foxes.txt", content)
    assert made.status_code == 201, made.text
    back = await member.program.get(f"/api/files/{made.json()['id']}/download")
    assert hashlib.sha256(back.content).hexdigest() == made.json()["checksum"]
    assert len(back.content) == len(content)


async def test_the_type_is_read_from_the_content_not_the_name(member: Member) -> None:
    made = await _upload(member, "innocent.txt", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n")
    assert made.json()["mimeType"] == "application/pdf"


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=10-", 206, 10, 4500),
        ("bytes=-5", 206, 4495, 4500),
        ("bytes=0-", 206, 0, 4500),
        ("bytes=0-1,5-6", 200, 0, 4500),
        ("lines=1-2", 200, 0, 4500),
    ],
)
async def test_ranges(member: Member, asked: str, status: int, start: int, end: int) -> None:
    path = f"/api/files/{(await _upload(member, 'fox.txt', TEXT)).json()['id']}/download"
    answer = await member.program.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, TEXT[start:end])
    if status == 206:
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/4500"


async def test_a_range_outside_is_a_416_and_an_unchanged_file_a_304(member: Member) -> None:
    path = f"/api/files/{(await _upload(member, 'fox.txt', TEXT)).json()['id']}/download"
    outside = await member.program.get(path, headers={"Range": "bytes=9000-"})
    assert outside.status_code == 416
    assert outside.headers["Content-Range"] == "bytes */4500"
    tag = (await member.program.get(path)).headers["ETag"]
    same = await member.program.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\temp\\notes.txt", "notes.txt"),
        ("Übersicht 報告.txt", "Übersicht 報告.txt"),
    ],
)
async def test_names_lose_their_folders_and_keep_their_script(
    member: Member, given: str, kept: str
) -> None:
    file = (await _upload(member, given, TEXT)).json()
    assert file["name"] == kept
    back = await member.program.get(f"/api/files/{file['id']}/download")
    disposition = back.headers["Content-Disposition"]
    assert disposition.startswith("attachment; ")
    assert "\n" not in disposition
    assert "filename*=UTF-8''" in disposition


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("empty.txt", b"", 400, "VALIDATION_ERROR"),
        ("empty.pdf", b"", 400, "VALIDATION_ERROR"),
        ("program.pdf", b"\x7fELF\x02\x01\x01" + bytes(200), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("archive.zip", b"PK\x05\x06" + bytes(18), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("large.txt", b"x" * 70_000, 413, "PAYLOAD_TOO_LARGE"),
        ("..", TEXT, 400, "VALIDATION_ERROR"),
    ],
)
async def test_a_refused_upload_leaves_nothing(
    member: Member,
    services: Services,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    status: int,
    code: str,
) -> None:
    monkeypatch.setattr(settings, "max_upload_bytes", 65_536)
    answer = await _upload(member, name, content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert await _nothing_is_left(services, member)


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b'{"file": "/etc/passwd"}', "application/json", 415),
        (b"no form at all", "multipart/form-data; boundary=b", 400),
        (b"no form at all", "multipart/form-data", 400),
        (b"--b\r\nContent-Disposition: form-data; name=file; filename=a.txt\r\n\r\ncut",
         "multipart/form-data; boundary=b", 400),
        (b"--b\r\nContent-Disposition: form-data; name=path\r\n\r\n/etc/passwd\r\n--b--\r\n",
         "multipart/form-data; boundary=b", 400),
    ],
)  # fmt: skip
async def test_what_is_no_form_with_a_file_is_refused(
    member: Member, services: Services, content: bytes, content_type: str, status: int
) -> None:
    answer = await member.program.post(
        "/api/files/upload", content=content, headers={"Content-Type": content_type}
    )
    assert answer.status_code == status, answer.text
    assert await _nothing_is_left(services, member)


async def test_an_upload_whose_client_goes_away_leaves_nothing(
    member: Member, services: Services
) -> None:
    is_halfway = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"--b\r\nContent-Disposition: form-data; name=file; filename=a.txt\r\n\r\n"
        yield b"x" * 500_000
        is_halfway.set()
        await asyncio.Event().wait()

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    upload = asyncio.create_task(
        member.program.post("/api/files/upload", content=body(), headers=headers)
    )
    await is_halfway.wait()
    blobs: Path = services.settings.data_dir / "blobs"
    while not list(blobs.rglob("*.partial")):
        await asyncio.sleep(0.01)
    upload.cancel()
    await asyncio.gather(upload, return_exceptions=True)
    while list(blobs.rglob("*.partial")):  # the test's own time limit ends a wait in vain
        await asyncio.sleep(0.01)
    assert await _nothing_is_left(services, member)


async def test_a_deleted_file_and_its_bytes_are_gone(member: Member, services: Services) -> None:
    path = f"/api/files/{(await _upload(member, 'fox.txt', TEXT)).json()['id']}"
    assert (await member.program.delete(path)).status_code == 204
    assert (await member.program.get(path)).status_code == 404
    assert (await member.program.get(f"{path}/download")).status_code == 404
    assert await _nothing_is_left(services, member)


async def test_pages_follow_one_another(member: Member) -> None:
    for number in range(5):
        await _upload(member, f"{number}.txt", TEXT + str(number).encode())
    names: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await member.program.get("/api/files", params=query)).json()
        names += [file["name"] for file in page["data"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert names == ["4.txt", "3.txt", "2.txt", "1.txt", "0.txt"]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "201"}, {"cursor": "x"}, {"a": "b"}])
async def test_a_list_refuses_a_query_it_does_not_know(
    member: Member, query: dict[str, str]
) -> None:
    answer = await member.program.get("/api/files", params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
