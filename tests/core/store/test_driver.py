from __future__ import annotations

import asyncpg
import pytest

from core.errors import ServiceUnavailable
from core.store.driver import fetch
from core.store.unit import Store


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
