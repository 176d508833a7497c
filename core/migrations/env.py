"""Alembic's entry: runs revisions over one async connection, under an advisory lock."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from core.migrations import walls
from core.store import unit as _all_tables  # noqa: F401 - fills the metadata
from core.store.base import Base

_LOCK = 7_219_004_112  # any number of our own
# Empty, for processes of the release before; the revisions of the next one may drop them.
_UNUSED_TABLES = ("packings", "packed_words")


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=lambda name, kind, _: kind != "table" or name not in _UNUSED_TABLES,
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        context.run_migrations()
        if connection.dialect.has_table(connection, "users"):
            walls.build(connection)  # of tables that revisions after 0009 made, too


async def _main() -> None:
    url = context.config.get_main_option("sqlalchemy.url")
    assert url is not None
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)
    await engine.dispose()


asyncio.run(_main())
