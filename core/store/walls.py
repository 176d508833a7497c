"""Whose rows a statement may see: PostgreSQL's row-level security, the wall behind repositories.

Units of a workspace have connections of their own. These work for good in a role that owns nothing
and sees, table by table, what the policies of ``core.migrations.walls`` let it: the rows of the
workspace named in ``nuxa.workspace``, and none while none is named. The name is said with BEGIN
itself, or with the one statement that needs no BEGIN, costs no round trip and ends with the
transaction. Units above workspaces work as the user who signed in to the database, the tables'
owner, whom no policy concerns.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any, Final

from asyncpg import Connection
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry

WORKSPACE: Final = "workspace"  # in a session's info: the one it works in; absent above workspaces
SETTING: Final = "nuxa.workspace"
# Each user has a tenant of its own: what others keep in the same cluster stays out of reach.
TENANT_ROLE: Final = "left(session_user, 56) || '_tenant'"


class WalledConnection(Connection):
    """A connection whose transactions begin inside a workspace, if one is set."""

    workspace_id: str | None = None

    async def execute(self, query: str, *args: object, **options: Any) -> str:
        """Run statements; a BEGIN, by which asyncpg begins its transactions, goes in."""
        if not query.startswith("BEGIN"):
            done: str = await super().execute(query, *args, **options)
            return done
        if self.workspace_id is not None:
            query += _entering(self.workspace_id)
        try:
            return str(await super().execute(query, *args, **options))
        except asyncio.CancelledError:
            # The server may have begun what nobody knows of, and nobody would end: the next user's
            # writes would be part of it, and never committed.
            self.terminate()
            raise


class UnitSession(Session):
    """A session that tells its connection the workspace before the transaction begins."""


@event.listens_for(UnitSession, "after_begin")
def _tell(session: Session, _: SessionTransaction, connection: SyncConnection) -> None:
    driver: Any = connection.connection.driver_connection
    driver.workspace_id = session.info.get(WORKSPACE)


def build_in(engine: AsyncEngine) -> None:
    """Have an engine's connections work in the tenant's role, and forget whom they worked for
    when they go back to the pool."""

    @event.listens_for(engine.sync_engine, "connect")
    def change(connection: Any, _: ConnectionPoolEntry) -> None:
        connection.run_async(lambda driver: driver.execute(_TO_TENANT))

    @event.listens_for(engine.sync_engine, "checkin")
    def forget(_: object, entry: ConnectionPoolEntry) -> None:
        driver: Any = entry.driver_connection
        if driver is not None:
            driver.workspace_id = None


@lru_cache(maxsize=256)
def inside(sql: str, values: int) -> str:
    """Return a query of so many values as one that enters the workspace in its next value first.

    Without a transaction around it the query is one by itself, so that the setting ends with it.
    That the setting is made before a row is looked at is sure: the query may run only for the row
    that says so (``LATERAL``, kept apart by ``OFFSET 0``); were it not, no row would be seen.
    """
    return f"""
        SELECT q.* FROM (SELECT set_config('{SETTING}', ${values + 1}, true)) AS e (workspace)
        CROSS JOIN LATERAL (
            SELECT * FROM ({sql}) AS asked WHERE e.workspace IS NOT NULL OFFSET 0
        ) AS q
    """  # noqa: S608 - a query of our own, its values are numbered


_TO_TENANT: Final = f"SELECT set_config('role', {TENANT_ROLE}, false)"


def _entering(workspace_id: str) -> str:
    quoted = workspace_id.replace("'", "''")
    return f"SELECT set_config('{SETTING}', '{quoted}', true)"
