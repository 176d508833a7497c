"""Row-level security: which rows a session may see, and who gets a connection next.

Units of a workspace have connections of their own. These work for good in a role that owns nothing
and sees, table by table, what the policies of ``core.migrations.walls`` let it: the rows of the
workspace named in ``nuxa.workspace``, and none while none is named. The name ends with the
transaction. Units above workspaces work as the user who signed in to the database, the tables'
owner, whom no policy concerns.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_

from core.errors import ServiceUnavailable
from core.fair_limiter import FairLimiter, QueueTimedOut, Slot

SETTING: Final = "nuxa.workspace"
# Each user has a tenant of its own: what others keep in the same cluster stays out of reach.
TENANT_ROLE: Final = "left(session_user, 56) || '_tenant'"
POOL_SECONDS: Final = 30.0  # that a caller waits for a connection
_TO_TENANT: Final = f"SELECT set_config('role', {TENANT_ROLE}, false)"


class UnitSession(Session):
    """A session in a workspace, or above all of them (None).

    Before it takes a connection it waits for one of the ``limiter``'s slots, of which there are as
    many as connections: so workspaces take turns, and who came first within one is served first.
    The wait is by ``sqlalchemy.util.await_``, which is not documented:
    ``tests/architecture/test_foreign_internals.py`` names the version that has it.
    """

    def __init__(
        self, *, limiter: FairLimiter, workspace_id: str | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.workspace_id = workspace_id
        self.slot: Slot | None = None
        self._limiter = limiter

    def get_bind(self, *args: Any, **options: Any) -> Engine | Connection:
        """Return what a statement is put to; asked before each takes the session's connection."""
        bind = super().get_bind(*args, **options)
        if self.slot is None:
            if not self.in_transaction():
                self.begin()
            try:
                wait = self._limiter.acquire(self.workspace_id or "", POOL_SECONDS)
                self.slot = await_(wait)
            except QueueTimedOut as error:
                raise ServiceUnavailable("The database is busy; try again soon.") from error
        return bind


@event.listens_for(UnitSession, "after_begin")
def _enter_workspace(session: UnitSession, _: SessionTransaction, connection: Connection) -> None:
    if session.workspace_id is not None:
        sql = "SELECT set_config($1, $2, true)"
        connection.exec_driver_sql(sql, (SETTING, session.workspace_id))


@event.listens_for(UnitSession, "after_transaction_end")
def _release_slot(session: UnitSession, transaction: SessionTransaction) -> None:
    if transaction.parent is None and session.slot is not None:
        session.slot.release()
        session.slot = None


def enter_tenant_role(engine: AsyncEngine) -> None:
    """Have an engine's connections work in the tenant's role."""

    @event.listens_for(engine.sync_engine, "connect")
    def change(connection: Any, _: ConnectionPoolEntry) -> None:
        connection.run_async(lambda driver: driver.execute(_TO_TENANT))
