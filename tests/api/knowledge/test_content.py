"""The bytes of a document, whole and in ranges, for its workspace alone."""

from __future__ import annotations

import hashlib

import pytest

from tests.api.conftest import Member

TEXT = b"The slipway is closed on Mondays."


@pytest.fixture
async def path(member: Member, base_path: str) -> str:
    files = {"file": ("yard.html", TEXT)}
    made = await member.program.post(f"{base_path}/documents", files=files)
    assert made.status_code == 202, made.text
    return f"{base_path}/documents/{made.json()['id']}/content"


async def test_a_document_is_given_back_as_an_attachment(member: Member, path: str) -> None:
    answer = await member.browser.get(path)
    assert (answer.status_code, answer.content) == (200, TEXT)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="yard.html"')
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["ETag"] == f'"{hashlib.sha256(TEXT).hexdigest()}"'


async def test_a_part_of_a_document_is_given(member: Member, path: str) -> None:
    part = await member.program.get(path, headers={"Range": "bytes=4-10"})
    assert (part.status_code, part.content) == (206, b"slipway")
    assert part.headers["Content-Range"] == f"bytes 4-10/{len(TEXT)}"
    outside = await member.program.get(path, headers={"Range": "bytes=5000-"})
    assert outside.status_code == 416


async def test_unchanged_content_is_not_sent_again_and_a_new_version_is(
    member: Member, path: str
) -> None:
    known = {"If-None-Match": (await member.program.head(path)).headers["ETag"]}
    assert (await member.program.get(path, headers=known)).status_code == 304
    document = path.removesuffix("/content")
    await member.program.post(f"{document}/cancel", json={})
    new = {"file": ("yard.html", b"The slipway is open.")}
    assert (await member.program.put(document, files=new)).status_code == 202
    again = await member.program.get(path, headers=known)
    assert (again.status_code, again.content) == (200, b"The slipway is open.")


async def test_a_document_without_bytes_says_so(member: Member, base_path: str) -> None:
    source = {"url": "https://example.com/handbook.html"}
    made = await member.program.post(f"{base_path}/documents", json=source)
    answer = await member.program.get(f"{base_path}/documents/{made.json()['id']}/content")
    assert answer.status_code == 404
    assert "no file" in answer.json()["error"]["message"]


async def test_another_workspace_and_another_base_do_not_have_it(
    member: Member, stranger: Member, path: str
) -> None:
    assert (await stranger.program.get(path)).status_code == 404
    other = (await member.program.post("/api/knowledge", json={"name": "Other"})).json()["id"]
    base = path.split("/")[3]
    assert (await member.program.get(path.replace(base, other))).status_code == 404
