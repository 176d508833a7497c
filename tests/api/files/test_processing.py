"""A file's text: asked for, read by a worker, given in parts, and gone with the file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from core.services import Services
from tests.api.conftest import Member
from tests.ingest import making

Work = Callable[[], Awaitable[int]]


def _letter(pages: int = 2) -> bytes:
    return making.pdf(
        [[(72, 80, 12, "F1", f"Page {n} says the tariff is {n * 17} euros.")]
         for n in range(1, pages + 1)]
    )  # fmt: skip


async def _uploaded(member: Member, content: bytes, name: str = "letter.pdf") -> str:
    made = await member.program.post("/api/files/upload", files={"file": (name, content)})
    assert made.status_code == 201, made.text
    return f"/api/files/{made.json()['id']}"


async def _process(member: Member, path: str, **body: Any) -> dict[str, Any]:
    answer = await member.program.post(f"{path}/process", json=body)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def _status(member: Member, path: str) -> dict[str, Any]:
    return dict((await member.program.get(f"{path}/status")).json())


def _blob_count(services: Services) -> int:
    return sum(path.is_file() for path in (services.settings.data_dir / "blobs").rglob("*"))


async def test_the_text_is_read_and_given_by_page_and_in_parts(member: Member, work: Work) -> None:
    path = await _uploaded(member, _letter())
    assert (await _status(member, path))["status"] == "uploaded"
    early = await member.program.get(f"{path}/text")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "CONFLICT")
    queued = await _process(member, path, operations=["extract", "ocr"], languages=["en"])
    assert (queued["status"], queued["ocr"], queued["languages"]) == ("pending", "auto", ["eng"])
    assert await work() == 1
    status = await _status(member, path)
    assert (status["status"], status["progress"], status["error"]) == ("completed", 1.0, None)
    assert (status["pagesDone"], status["pagesTotal"]) == (2, 2)

    whole = (await member.program.get(f"{path}/text")).json()
    assert "the tariff is 17 euros" in whole["text"]
    assert whole["totalLength"] == status["textLength"] == len(whole["text"])
    assert (whole["offset"], whole["nextOffset"]) == (0, None)
    first, second = whole["pages"]
    assert whole["text"][second["startOffset"] : second["endOffset"]].startswith("Page 2 says")
    assert (first["page"], second["page"]) == (1, 2)
    query = {"page": "2"}
    page = (await member.program.get(f"{path}/text", params=query)).json()
    assert page["text"] == "Page 2 says the tariff is 34 euros."
    assert page["pages"] == [second]
    plain = await member.program.get(f"{path}/text", params={"format": "text"})
    assert plain.text == whole["text"]
    assert plain.headers["Content-Type"] == "text/plain; charset=utf-8"

    text, offset = "", 0
    while offset is not None:
        asked = {"offset": str(offset), "limit": "10"}
        part = (await member.program.get(f"{path}/text", params=asked)).json()
        text, offset = text + part["text"], part["nextOffset"]
    assert text == whole["text"]


async def test_offsets_count_code_points(member: Member, work: Work) -> None:
    path = await _uploaded(member, "Größe 🦊 und 報告".encode(), "notes.txt")
    await _process(member, path)
    await work()
    part = await member.program.get(f"{path}/text", params={"offset": "6", "limit": "5"})
    assert (part.json()["text"], part.json()["totalLength"]) == ("🦊 und", 14)
    none = await member.program.get(f"{path}/text", params={"page": "3"})
    assert none.status_code == 404


async def test_a_picture_gives_its_text_by_recognition_only(
    member: Member, work: Work, tmp_path: Path
) -> None:
    scan = making.scan(tmp_path / "scan.png", ["The harbour is closed", "on every Monday"])
    path = await _uploaded(member, scan.read_bytes(), "scan.png")
    await _process(member, path, operations=["extract"])
    await work()
    failed = await _status(member, path)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "NO_TEXT")
    assert (await _process(member, path, operations=["ocr"]))["ocr"] == "force"
    await work()
    assert (await _status(member, path))["quality"]["ocrPages"] == 1
    assert "harbour is closed" in (await member.program.get(f"{path}/text")).json()["text"]


async def test_the_same_again_is_not_done_twice_unless_forced(member: Member, work: Work) -> None:
    path = await _uploaded(member, b"Some words.", "a.txt")
    await _process(member, path)
    assert (await _process(member, path))["status"] == "pending"
    other = await member.program.post(f"{path}/process", json={"ocr": "off"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "CONFLICT")
    assert await work() == 1
    assert (await _process(member, path))["status"] == "completed"
    assert (await _process(member, path, force=True))["status"] == "pending"
    assert "Some words." in (await member.program.get(f"{path}/text")).json()["text"]
    assert await work() == 1


async def test_a_waiting_reading_is_cancelled(member: Member, work: Work) -> None:
    path = await _uploaded(member, b"Some words.", "a.txt")
    cancel = f"{path}/process/cancel"
    assert (await member.program.post(cancel)).status_code == 409
    await _process(member, path)
    cancelled = await member.program.post(cancel)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert await work() == 0
    assert (await member.program.post(cancel)).status_code == 409


async def test_texts_go_with_their_file_and_with_the_next_reading(
    member: Member, services: Services, work: Work
) -> None:
    path = await _uploaded(member, b"Some words.", "a.txt")
    await _process(member, path)
    await work()
    await _process(member, path, ocr="off")
    await work()
    assert _blob_count(services) == 2
    assert (await member.program.delete(path)).status_code == 204
    assert _blob_count(services) == 0
    assert (await member.program.get(f"{path}/text")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"operations": []},
        {"operations": ["translate"]},
        {"operations": ["ocr"], "ocr": "off"},
        {"languages": ["../../etc"]},
        {"languages": ["xyz"]},
        {"ocr": "maybe"},
        {"path": "/etc/passwd"},
    ],
)
async def test_what_cannot_be_done_is_refused(member: Member, body: dict[str, Any]) -> None:
    path = await _uploaded(member, b"Some words.", "a.txt")
    answer = await member.program.post(f"{path}/process", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert (await _status(member, path))["status"] == "uploaded"
