"""Artifacts: shown to whom they are meant for, unable to act, gone when revoked or expired."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from core.security import hash_token
from core.services import Services
from core.store.base import now
from tests.api.conftest import Member

SCRIPT = "<script>fetch('/api/auth/api-keys')</script>"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


async def _made(member: Member, **fields: Any) -> dict[str, Any]:
    body = {"type": "markdown", "title": "Report", "content": "# Hello", **fields}
    answer = await member.program.post("/api/artifacts", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def _blob_count(services: Services) -> int:
    return sum(path.is_file() for path in (services.settings.data_dir / "blobs").rglob("*"))


@pytest.mark.parametrize(
    ("kind", "content", "content_type"),
    [
        ("markdown", "# Grüße", "text/markdown; charset=utf-8"),
        ("html", SCRIPT, "text/html; charset=utf-8"),
        ("svg", f"<svg xmlns='http://www.w3.org/2000/svg'>{SCRIPT}</svg>", "image/svg+xml"),
        ("csv", "a,b\n1,2", "text/csv; charset=utf-8"),
        ("json", '{"a": 1}', "application/json"),
        ("code", SCRIPT, "text/plain; charset=utf-8"),
        ("png", base64.b64encode(PNG).decode(), "image/png"),
        ("pdf", base64.b64encode(b"%PDF-1.7 x").decode(), "application/pdf"),
    ],
)
async def test_a_public_artifact_is_shown_and_can_do_nothing(
    member: Member, anonymous: httpx.AsyncClient, kind: str, content: str, content_type: str
) -> None:
    made = await _made(member, type=kind, content=content, visibility="public")
    assert len(made["token"]) >= 22  # 128 bits in base64
    assert made["url"].endswith(f"/api/artifacts/{made['token']}")
    shown = await anonymous.get(f"/api/artifacts/{made['token']}")
    is_binary = kind in ("png", "pdf")
    assert shown.content == (base64.b64decode(content) if is_binary else content.encode())
    assert shown.headers["Content-Type"] == content_type
    policy = [part.strip() for part in shown.headers["Content-Security-Policy"].split(";")]
    assert "sandbox" in policy  # without allow-scripts or allow-same-origin
    assert "default-src 'none'" in policy
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Content-Disposition"].startswith("inline; filename=")


async def test_a_workspaces_artifact_is_shown_to_its_members_only(
    member: Member, stranger: Member, anonymous: httpx.AsyncClient
) -> None:
    path = f"/api/artifacts/{(await _made(member))['token']}"
    for client in (member.browser, member.program):
        assert (await client.get(path)).text == "# Hello"
    assert (await anonymous.get(path)).status_code == 401
    made_up = {"x-api-key": "nuxa_made_up"}
    assert (await anonymous.get(path, headers=made_up)).status_code == 401
    for client in (stranger.browser, stranger.program):
        assert (await client.get(path)).status_code == 404


async def test_only_the_tokens_hash_is_kept(member: Member, services: Services) -> None:
    made = await _made(member)
    async with services.store.unit(member.workspace_id) as unit:
        row = await unit.artifacts.get(made["id"])
    assert row is not None
    assert row.token_hash == hash_token(made["token"])
    values = [getattr(row, column.key) for column in type(row).__table__.columns]
    assert made["token"] not in map(str, values)
    listed = await member.program.get("/api/artifacts")
    assert [artifact["id"] for artifact in listed.json()["data"]] == [made["id"]]
    assert made["token"] not in listed.text


async def test_a_revoked_artifact_is_gone_with_its_bytes(
    member: Member, stranger: Member, services: Services
) -> None:
    made = await _made(member, visibility="public")
    path = f"/api/artifacts/{made['id']}"
    assert (await stranger.program.delete(path)).status_code == 404
    assert (await member.program.delete(path)).status_code == 204
    assert (await member.program.get(f"/api/artifacts/{made['token']}")).status_code == 404
    assert (await member.program.delete(path)).status_code == 404
    assert _blob_count(services) == 0


async def test_an_expired_artifact_is_not_shown(
    member: Member, anonymous: httpx.AsyncClient, services: Services
) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = await _made(member, visibility="public", expiresAt=soon)
    path = f"/api/artifacts/{made['token']}"
    assert (await anonymous.get(path)).status_code == 200
    async with services.store.unit(member.workspace_id) as unit:
        row = await unit.artifacts.get(made["id"])
        assert row is not None
        row.expires_at = now() - timedelta(seconds=1)
    assert (await anonymous.get(path)).status_code == 404


async def test_an_artifact_is_a_copy_of_a_file(member: Member) -> None:
    files = {"file": ("table.csv", b"a,b\n1,2\n")}
    file = (await member.program.post("/api/files/upload", files=files)).json()
    made = await _made(member, type="csv", content=None, fileId=file["id"])
    await member.program.delete(f"/api/files/{file['id']}")
    shown = await member.program.get(f"/api/artifacts/{made['token']}")
    assert shown.content == b"a,b\n1,2\n"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"type": "exe"}, 400),
        ({"content": None}, 400),
        ({"fileId": "file_x"}, 400),
        ({"content": None, "fileId": "/etc/passwd"}, 404),
        ({"type": "png", "content": "no base64!"}, 400),
        ({"type": "png", "content": base64.b64encode(b"GIF89a").decode()}, 400),
        ({"type": "json", "content": "{"}, 400),
        ({"type": "svg", "content": "<html>"}, 400),
        ({"expiresAt": "2001-01-01T00:00:00Z"}, 400),
        ({"expiresAt": "2101-01-01T00:00:00"}, 400),
        ({"visibility": "everybody"}, 400),
        ({"title": " "}, 400),
    ],
)
async def test_bad_input_leaves_nothing(
    member: Member, services: Services, fields: dict[str, Any], status: int
) -> None:
    body = {"type": "markdown", "title": "Report", "content": "# Hello", **fields}
    answer = await member.program.post("/api/artifacts", json=body)
    assert answer.status_code == status, answer.text
    assert (await member.program.get("/api/artifacts")).json()["data"] == []
    assert _blob_count(services) == 0


async def test_a_large_file_makes_no_artifact(member: Member) -> None:
    files = {"file": ("large.txt", b"x" * (10 * 1024 * 1024 + 1))}
    file = (await member.program.post("/api/files/upload", files=files)).json()
    body = {"type": "code", "title": "t", "fileId": file["id"]}
    answer = await member.program.post("/api/artifacts", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
