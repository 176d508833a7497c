from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.errors import Conflict
from core.ids import new_id
from core.store.base import now
from core.store.documents import Document
from core.store.knowledge_bases import KnowledgeBase
from core.store.sessions import Session
from core.store.unit import Store, async_url
from core.store.users import User
from tests.conftest import Owner


def _base(name: str = "Handbook") -> KnowledgeBase:
    return KnowledgeBase(
        id=new_id("kb"), name=name, embedding_model="all-MiniLM-L6-v2", embedding_dimensions=384
    )


def _document(base: KnowledgeBase, checksum: str) -> Document:
    return Document(
        id=new_id("doc"),
        base_id=base.id,
        name="a.txt",
        mime_type="text/plain",
        size=1,
        checksum=checksum,
        blob_key="blob_1",
    )


async def test_an_error_rolls_everything_back_and_sends_nothing(store: Store, owner: Owner) -> None:
    base, sent = _base(), []

    async def send() -> None:
        sent.append("job")

    with pytest.raises(RuntimeError):
        async with store.unit(owner.workspace_id) as unit:
            unit.bases.add(base)
            unit.after_commit(send)
            await unit.flush()
            raise RuntimeError
    async with store.unit(owner.workspace_id) as unit:
        assert await unit.bases.get(base.id) is None
    assert sent == []


async def test_jobs_leave_only_after_the_commit(store: Store, owner: Owner) -> None:
    base, seen = _base(), []

    async def look() -> None:
        async with store.unit(owner.workspace_id) as other:
            seen.append(await other.bases.get(base.id))

    async with store.unit(owner.workspace_id) as unit:
        unit.bases.add(base)
        unit.after_commit(look)
    assert [found.id for found in seen if found] == [base.id]


async def test_a_unit_sees_no_other_workspace(store: Store, make_owner) -> None:  # type: ignore[no-untyped-def]
    mine, theirs = await make_owner(), await make_owner()
    base = _base()
    async with store.unit(mine.workspace_id) as unit:
        unit.bases.add(base)
    async with store.unit(theirs.workspace_id) as unit:
        assert await unit.bases.get(base.id) is None


async def test_an_expired_session_is_not_found(store: Store, owner: Owner) -> None:
    async with store.system() as unit:
        for name, age in (("old", -1), ("live", 1)):
            unit.sessions.add(
                Session(
                    id=new_id("ses"),
                    token_hash=name,
                    user_id=owner.user_id,
                    workspace_id=owner.workspace_id,
                    expires_at=now() + timedelta(minutes=age),
                )
            )
    async with store.system() as unit:
        assert await unit.sessions.by_token_hash("old") is None
        assert await unit.sessions.by_token_hash("live") is not None


async def test_each_document_is_claimed_once_and_tenants_take_turns(
    store: Store, make_owner
) -> None:  # type: ignore[no-untyped-def]
    flood, small = await make_owner(), await make_owner()
    for tenant, count in ((flood, 6), (small, 2)):
        async with store.unit(tenant.workspace_id) as unit:
            base = unit.bases.add(_base())
            await unit.flush()
            for i in range(count):
                unit.documents.add(_document(base, str(i)))

    async def claim(worker: int) -> Document | None:
        async with store.system() as unit:
            return await unit.document_jobs.claim(f"w{worker}", timedelta(seconds=30))

    first_four = [await claim(i) for i in range(4)]
    rest = await asyncio.gather(*(claim(i) for i in range(4, 14)))
    claimed = [found for found in [*first_four, *rest] if found]
    assert len({found.id for found in claimed}) == len(claimed) == 8
    owners = [found.workspace_id for found in first_four if found]
    assert owners.count(small.workspace_id) == 2  # the flood does not starve it


def test_only_postgresql_is_taken() -> None:
    assert async_url("postgres://u:p@h/d") == "postgresql+asyncpg://u:p@h/d"
    with pytest.raises(ValueError, match="postgresql"):
        async_url("mysql://h/d")


async def test_two_who_make_the_same_thing_are_told_and_a_mistake_of_ours_is_not_hidden(
    store: Store,
) -> None:
    def user(**fields: str | None) -> User:
        return User(**{"id": new_id("usr"), "email": "one@example.com", "name": "One", **fields})

    async with store.system() as unit:
        unit.users.add(user())
    with pytest.raises(Conflict):
        async with store.system() as unit:
            unit.users.add(user())
    with pytest.raises(IntegrityError):
        async with store.system() as unit:
            unit.users.add(user(email="two@example.com", name=None))


async def _terminate(store: Store, pids: list[int]) -> None:
    url = store.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    operator = await asyncpg.connect(url)
    for pid in pids:
        await operator.execute("SELECT pg_terminate_backend($1)", pid)
    await operator.close()


@pytest.mark.parametrize("is_known", [True, False], ids=["closed", "silent"])
async def test_lost_connections_are_replaced_unnoticed(
    store: Store, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    async with store.engine.connect() as one, store.engine.connect() as other:
        own = [await c.scalar(text("SELECT pg_backend_pid()")) for c in (one, other)]
    await _terminate(store, own)
    if is_known:
        await asyncio.sleep(0.2)  # what the server last said is on its way
    else:
        monkeypatch.setattr("core.store.connections.TRUSTED_SECONDS", 0.0)
        monkeypatch.setattr(asyncpg.Connection, "is_closed", lambda _: False)

    for _ in own:
        async with store.engine.connect() as connection:
            assert await connection.scalar(text("SELECT pg_backend_pid()")) not in own
