"""Conditions and ranges of a download, as HTTP has them."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.api.conftest import Member

TEXT = b"0123456789" * 100


@pytest.fixture
async def path(member: Member) -> str:
    files = {"file": ("Übersicht.txt", TEXT)}
    made = await member.program.post("/api/files/upload", files=files)
    return f"/api/files/{made.json()['id']}/download"


async def test_head_says_what_get_would_give(member: Member, path: str) -> None:
    head = await member.program.head(path)
    whole = await member.program.get(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "ETag", "Accept-Ranges", "Content-Type", "Content-Disposition"):
        assert head.headers[name] == whole.headers[name]
    assert head.headers["Content-Length"] == str(len(TEXT))


async def test_if_range_gives_the_part_of_the_same_and_the_whole_of_another(
    member: Member, path: str
) -> None:
    tag = (await member.program.head(path)).headers["ETag"]
    asked = {"Range": "bytes=2-4", "If-Range": tag}
    same = await member.program.get(path, headers=asked)
    assert (same.status_code, same.content) == (206, b"234")
    for other in ('"another"', f"W/{tag}", "Wed, 21 Oct 2015 07:28:00 GMT"):
        changed = await member.program.get(path, headers=asked | {"If-Range": other})
        assert (changed.status_code, changed.content) == (200, TEXT)


@pytest.mark.parametrize("form", ["{tag}", "W/{tag}", '"x", {tag}', "*"])
async def test_an_unchanged_file_is_not_sent(member: Member, path: str, form: str) -> None:
    tag = (await member.program.head(path)).headers["ETag"]
    headers = {"If-None-Match": form.format(tag=tag)}
    answer = await member.program.get(path, headers=headers)
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=x-", "bytes", "bytes=--1", "bytes="])
async def test_a_range_that_cannot_be_read_gives_the_whole(
    member: Member, path: str, asked: str
) -> None:
    answer = await member.program.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, TEXT)


async def test_a_suffix_longer_than_the_file_gives_all_of_it(member: Member, path: str) -> None:
    answer = await member.program.get(path, headers={"Range": "bytes=-5000"})
    assert (answer.status_code, answer.content) == (206, TEXT)
    assert answer.headers["Content-Range"] == f"bytes 0-{len(TEXT) - 1}/{len(TEXT)}"


async def test_the_name_is_there_in_its_own_script(member: Member, path: str) -> None:
    disposition = (await member.program.head(path)).headers["Content-Disposition"]
    assert f"filename*=UTF-8''{quote('Übersicht.txt')}" in disposition
