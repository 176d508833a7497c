"""Who holds a key: asked for many at once, and never remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import text

from core.ids import new_id
from core.store.api_keys import ApiKey
from core.store.base import now
from core.store.unit import Store
from tests.conftest import Owner

MakeOwner = Callable[[], Awaitable[Owner]]


async def _key(store: Store, owner: Owner, days: int = 1) -> str:
    row = ApiKey(
        id=new_id("key"),
        user_id=owner.user_id,
        name="program",
        key_hash=new_id("hash"),
        preview="nuxa_",
        scopes=["read"],
        expires_at=now() + timedelta(days=days),
    )
    async with store.unit(owner.workspace_id) as unit:
        unit.api_keys.add(row)
    return row.key_hash


async def test_many_at_once_each_get_their_own(store: Store, make_owner: MakeOwner) -> None:
    owners = [await make_owner() for _ in range(4)]
    hashes = [await _key(store, owner) for owner in owners]
    asked = [*hashes, "unknown", *hashes, await _key(store, owners[0], days=-1)]
    found = await asyncio.gather(*map(store.key_holders.find, asked))
    seats = [holder.seat.workspace.id if holder and holder.seat else None for holder in found]
    mine = [owner.workspace_id for owner in owners]
    assert seats == [*mine, None, *mine, None]
    assert found[4] is None and found[-1] is None
    holder = found[0]
    assert holder is not None and holder.seat is not None
    assert (holder.key.user_id, holder.seat.role) == (owners[0].user_id, "owner")
    assert holder.seat.workspace.allowed.requests_per_minute == -1


async def test_a_key_whose_owner_left_has_no_seat(store: Store, make_owner: MakeOwner) -> None:
    owner = await make_owner()
    key_hash = await _key(store, owner)
    async with store.unit(owner.workspace_id) as unit:
        await unit.members.remove(owner.user_id)
    holder = await store.key_holders.find(key_hash)
    assert holder is not None and holder.seat is None


async def test_a_revoked_key_is_unknown_at_once(store: Store, owner: Owner) -> None:
    key_hash = await _key(store, owner)
    before = [store.key_holders.find(key_hash) for _ in range(20)]
    assert all(await asyncio.gather(*before))
    async with store.engine.begin() as connection:
        await connection.execute(text("DELETE FROM api_keys"))
    assert await store.key_holders.find(key_hash) is None
