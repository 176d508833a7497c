from __future__ import annotations

import asyncio

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from core.errors import ServiceUnavailable
from core.store.driver import fetch, look
from core.store.unit import Store
from tests.conftest import Owner

_END_SLEEPERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep'
"""


async def test_fetch_with_a_value_too_many_is_no_lost_database(store: Store) -> None:
    with pytest.raises(DBAPIError):
        async with store.unit("ws_any") as unit:
            await fetch(unit._session, "SELECT $1::int", 1, 2)


async def test_fetch_on_a_lost_connection_raises_service_unavailable(store: Store) -> None:
    with pytest.raises(ServiceUnavailable):
        async with store.unit("ws_any") as unit:
            ((pid,),) = await fetch(unit._session, "SELECT pg_backend_pid()")
            async with store.system() as system:
                await fetch(system._session, "SELECT pg_terminate_backend($1)", pid)
            await fetch(unit._session, "SELECT 1")


async def test_look_outside_a_transaction_holds_no_connection(store: Store, owner: Owner) -> None:
    asked = "SELECT current_setting('nuxa.workspace'), now()"
    async with store.unit(owner.workspace_id) as unit:
        ((workspace_id, first),) = await look(unit._session, asked)
        assert workspace_id == owner.workspace_id
        assert not unit._session.in_transaction()
        assert (await look(unit._session, asked))[0][1] != first  # each has its own transaction


async def test_a_look_sees_what_its_own_unit_wrote(store: Store, owner: Owner) -> None:
    async with store.unit(owner.workspace_id) as unit:
        await fetch(unit._session, "UPDATE workspaces SET name = 'New'")
        assert [tuple(row) for row in await look(unit._session, "SELECT name FROM workspaces")] == [
            ("New",)
        ]
        await unit._session.rollback()
    async with store.unit(owner.workspace_id) as unit:
        assert await look(unit._session, "SELECT name FROM workspaces") != [("New",)]


async def test_look_on_a_lost_connection_raises_service_unavailable(store: Store) -> None:
    async def sleep() -> None:
        async with store.unit("ws_any") as unit:
            await look(unit._session, "SELECT pg_sleep(60)")

    looking = asyncio.create_task(sleep())
    async with store.system() as system:
        while not await look(system._session, _END_SLEEPERS):
            await asyncio.sleep(0.01)
    with pytest.raises(ServiceUnavailable):
        await looking
    async with store.unit("ws_any") as unit:
        assert len(await look(unit._session, "SELECT 1")) == 1  # the next one is a new one


async def test_a_caller_who_is_cancelled_as_he_begins_leaves_no_open_transaction(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = asyncpg.Connection.execute

    async def begun_too_late(driver: asyncpg.Connection, query: str, *values: object) -> str:
        done = str(await execute(driver, query, *values))
        if query.startswith("BEGIN"):
            raise asyncio.CancelledError
        return done

    with monkeypatch.context() as patch, pytest.raises(asyncio.CancelledError):
        async with store.unit(owner.workspace_id) as unit:
            await look(unit._session, "SELECT 1")  # a new connection begins some of its own
            patch.setattr(asyncpg.Connection, "execute", begun_too_late)
            await fetch(unit._session, "SELECT 1")
    assert await _are_ended(store)


async def _are_ended(store: Store) -> bool:
    """Whether all transactions end, soon."""
    count = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle in transaction'
    """
    for _ in range(20):
        async with store.system() as system:
            ((open_still,),) = await look(system._session, count)
        if not open_still:
            return True
        await asyncio.sleep(0.05)
    return False
