"""Whose rows a transaction may see: PostgreSQL's row-level security, the wall behind repositories.

A unit of a workspace works in a role that owns nothing and sees, table by table, what the policies
of ``core.migrations.walls`` let it: the rows of the workspace named in ``nuxa.workspace``. Both are
said with BEGIN itself, cost no round trip and end with the transaction. Units above workspaces work
as the user who signed in to the database, the tables' owner, whom no policy concerns.
"""

from __future__ import annotations

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
        if self.workspace_id is not None and query.startswith("BEGIN"):
            query += _entering(self.workspace_id)
        done: str = await super().execute(query, *args, **options)
        return done


class UnitSession(Session):
    """A session that tells its connection the workspace before the transaction begins."""


@event.listens_for(UnitSession, "after_begin")
def _tell(session: Session, _: SessionTransaction, connection: SyncConnection) -> None:
    driver: Any = connection.connection.driver_connection
    driver.workspace_id = session.info.get(WORKSPACE)


def forget_workspaces(engine: AsyncEngine) -> None:
    """Have connections that go back to the pool forget whom they worked for."""

    @event.listens_for(engine.sync_engine, "checkin")
    def forget(_: object, entry: ConnectionPoolEntry) -> None:
        driver: Any = entry.driver_connection
        if driver is not None:
            driver.workspace_id = None


def _entering(workspace_id: str) -> str:
    quoted = workspace_id.replace("'", "''")
    return (
        f"SELECT set_config('role', {TENANT_ROLE}, true), set_config('{SETTING}', '{quoted}', true)"
    )
