"""JSON answers are compressed for clients that accept it."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest

from tests.api.conftest import TLS, Member


async def _raw(client: httpx.AsyncClient, path: str, accepted: str) -> tuple[httpx.Response, bytes]:
    headers = {"x-api-key": client.headers["x-api-key"], "Accept-Encoding": accepted}
    async with (
        httpx.AsyncClient(base_url=client.base_url, verify=TLS) as plain,
        plain.stream("GET", path, headers=headers) as answer,
    ):
        return answer, b"".join([piece async for piece in answer.aiter_raw()])


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "*"])
async def test_large_json_for_a_client_that_accepts_gzip_is_compressed(
    member: Member, accepted: str
) -> None:
    answer, body = await _raw(member.program, "/api/blocks", accepted)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) == len(body)
    plain, whole = await _raw(member.program, "/api/blocks", "identity")
    assert "Content-Encoding" not in plain.headers
    assert json.loads(gzip.decompress(body)) == json.loads(whole)
    assert len(body) < len(whole) / 2
    for each in (answer, plain):
        assert "Accept-Encoding" in each.headers["Vary"]


@pytest.mark.parametrize("accepted", ["identity", "br", "gzip;q=0"])
async def test_json_for_a_client_that_refuses_gzip_is_plain(member: Member, accepted: str) -> None:
    answer, body = await _raw(member.program, "/api/blocks", accepted)
    assert "Content-Encoding" not in answer.headers
    assert json.loads(body)


async def test_small_json_credentials_and_streams_are_not_compressed(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    small = await anonymous.get("/api/health/live")
    session = await member.browser.get("/api/auth/session")
    asked = {"message": "Hello"}
    stream = await member.browser.post("/api/copilot/stream", json=asked)
    for answer in (small, session, stream):
        assert answer.request.headers["Accept-Encoding"].startswith("gzip")
        assert "Content-Encoding" not in answer.headers
    made = {"type": "json", "title": "t", "content": json.dumps(["x"] * 1_000)}
    shown = (await member.program.post("/api/artifacts", json=made)).json()
    artifact = await member.browser.get(f"/api/artifacts/{shown['token']}")
    assert (len(artifact.json()), "Content-Encoding" in artifact.headers) == (1_000, False)


async def test_repeated_idempotent_answer_is_compressed_again(member: Member) -> None:
    headers = {"Idempotency-Key": "once"}
    body = {"name": "w", "description": "word " * 500}
    first = await member.program.post("/api/workflows", json=body, headers=headers)
    again = await member.program.post("/api/workflows", json=body, headers=headers)
    assert first.json() == again.json()
    assert first.headers["Content-Encoding"] == again.headers["Content-Encoding"] == "gzip"
