from __future__ import annotations

import asyncio

from alembic import command

from core.migrations import config_for
from core.store.unit import async_url


async def test_the_tables_are_what_the_revisions_make(database_url: str) -> None:
    await asyncio.to_thread(command.check, config_for(async_url(database_url)))
