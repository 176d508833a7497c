from __future__ import annotations

import asyncio

import asyncpg
import pytest

from core.errors import ServiceUnavailable
from core.store.driver import driver_of, fetch, look
from core.store.unit import Store
from tests.conftest import Owner

_END_SLEEPERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep'
"""


async def test_our_own_mistake_is_no_lost_database(store: Store) -> None:
    with pytest.raises(asyncpg.InterfaceError):
        async with store.unit("ws_any") as unit:
            await fetch(unit._session, "SELECT $1::int", 1, 2)


async def test_a_lost_connection_says_so(store: Store) -> None:
    with pytest.raises(ServiceUnavailable):
        async with store.unit("ws_any") as unit:
            ((pid,),) = await fetch(unit._session, "SELECT pg_backend_pid()")
            async with store.system() as system:
                await fetch(system._session, "SELECT pg_terminate_backend($1)", pid)
            await fetch(unit._session, "SELECT 1")


async def test_a_look_begins_no_transaction_and_holds_no_connection(
    store: Store, owner: Owner
) -> None:
    asked = "SELECT pg_current_xact_id_if_assigned() IS NULL, current_setting('nuxa.workspace')"
    async with store.unit(owner.workspace_id) as unit:
        assert [tuple(row) for row in await look(unit._session, asked)] == [
            (True, owner.workspace_id)
        ]
        assert not unit._session.in_transaction()
        before = await look(unit._session, "SELECT now()")
        assert await look(unit._session, "SELECT now()") != before  # each stands by itself


async def test_a_look_sees_what_its_own_unit_wrote(store: Store, owner: Owner) -> None:
    async with store.unit(owner.workspace_id) as unit:
        await fetch(unit._session, "UPDATE workspaces SET name = 'New'")
        assert [tuple(row) for row in await look(unit._session, "SELECT name FROM workspaces")] == [
            ("New",)
        ]
        await unit._session.rollback()
    async with store.unit(owner.workspace_id) as unit:
        assert await look(unit._session, "SELECT name FROM workspaces") != [("New",)]


async def test_a_look_says_so_when_the_connection_was_lost(store: Store) -> None:
    async with store.unit("ws_any") as unit:
        looking = asyncio.create_task(look(unit._session, "SELECT pg_sleep(60)"))
        async with store.system() as system:
            while not await look(system._session, _END_SLEEPERS):
                await asyncio.sleep(0.01)
        with pytest.raises(ServiceUnavailable):
            await looking
        assert len(await look(unit._session, "SELECT 1")) == 1  # the next one is a new one
        with pytest.raises(asyncpg.UndefinedColumnError):  # our own mistake is none of those
            await look(unit._session, "SELECT nothing")


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
            await driver_of(unit._session)  # a new connection begins transactions of its own
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
