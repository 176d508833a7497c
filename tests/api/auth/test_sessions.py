"""The list of sessions, and ending one from afar."""

from __future__ import annotations

from datetime import timedelta

import httpx
from sqlalchemy import func, select, update

from core.config import Settings
from core.security import hash_token
from core.services import Services
from core.store.base import now
from core.store.sessions import Session
from tests.api.conftest import Member
from workers.upkeep import forget_expired_sign_ins


async def _sign_in(client: httpx.AsyncClient, member: Member, agent: str) -> None:
    account = {"email": member.email, "password": member.password}
    headers = {"User-Agent": agent}
    answer = await client.post("/api/auth/login", json=account, headers=headers)
    assert answer.status_code == 200


async def test_sessions_are_told_apart(member: Member, anonymous: httpx.AsyncClient) -> None:
    await _sign_in(anonymous, member, "Phone/1.0")
    rows = (await member.browser.get("/api/auth/sessions")).json()["data"]
    assert [(row["userAgent"], row["current"]) for row in rows] == [
        ("Phone/1.0", False),
        (member.browser.headers["User-Agent"], True),
    ]
    assert {row["address"] for row in rows} == {"127.0.0.1"}
    assert all(row["createdAt"] <= row["lastSeenAt"] < row["expiresAt"] for row in rows)
    assert not {"tokenHash", "token"} & set(rows[0])


async def test_they_come_in_pages(member: Member, anonymous: httpx.AsyncClient) -> None:
    await _sign_in(anonymous, member, "Phone/1.0")
    first = (await member.browser.get("/api/auth/sessions?limit=1")).json()
    more = {"limit": "1", "cursor": first["nextCursor"]}
    second = (await member.browser.get("/api/auth/sessions", params=more)).json()
    assert second["nextCursor"] is None
    assert first["data"][0]["id"] != second["data"][0]["id"]


async def test_a_session_is_ended_from_another(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    await _sign_in(anonymous, member, "Phone/1.0")
    rows = (await member.browser.get("/api/auth/sessions")).json()["data"]
    path = f"/api/auth/sessions/{rows[0]['id']}"
    assert (await member.browser.delete(path)).status_code == 204
    assert (await anonymous.get("/api/user")).status_code == 401
    assert (await member.browser.get("/api/user")).status_code == 200
    assert (await member.browser.delete(path)).status_code == 404


async def test_a_key_neither_sees_nor_ends_sessions(member: Member) -> None:
    assert (await member.program.get("/api/auth/sessions")).status_code == 403
    rows = (await member.browser.get("/api/auth/sessions")).json()["data"]
    answer = await member.program.delete(f"/api/auth/sessions/{rows[0]['id']}")
    assert answer.status_code == 403


async def test_use_is_noted_and_keeps_a_session_alive(
    member: Member, services: Services, settings: Settings
) -> None:
    mine = Session.token_hash == hash_token(member.browser.cookies["nuxa_session"])
    before = {"last_seen_at": now() - timedelta(hours=1), "expires_at": now() + timedelta(hours=1)}
    async with services.store.engine.begin() as connection:
        await connection.execute(update(Session).where(mine).values(before))
    asked_at = now()
    answer = (await member.browser.get("/api/auth/session")).json()
    async with services.store.engine.connect() as connection:
        columns = select(Session.last_seen_at, Session.expires_at).where(mine)
        seen, until = (await connection.execute(columns)).one()
    assert seen >= asked_at
    assert until >= asked_at + timedelta(days=settings.session_days)
    assert answer["expiresAt"] == until.isoformat().replace("+00:00", "Z")


async def test_what_has_run_out_is_forgotten(
    member: Member, stranger: Member, services: Services
) -> None:
    mine = Session.user_id == member.user_id
    async with services.store.engine.begin() as connection:
        await connection.execute(update(Session).where(mine).values(expires_at=now()))
    assert (await member.browser.get("/api/user")).status_code == 401
    await forget_expired_sign_ins(services)
    async with services.store.engine.connect() as connection:
        left = await connection.scalar(select(func.count()).select_from(Session))
    assert left == 1
    assert (await stranger.browser.get("/api/user")).status_code == 200
