"""Pooled connections that the server or the network has ended are replaced before they are used."""

from __future__ import annotations

import time
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

TRUSTED_SECONDS: Final = 1.0  # after its use a connection is taken for alive without asking
_RETURNED: Final = "returned"


def replace_lost_connections(engine: AsyncEngine) -> None:
    """Ask a connection that rested whether it lives, and open a lost one anew.

    ``pool_pre_ping`` asks at every checkout: three round trips, a third of a small request's
    processor time. That a server closed a connection the driver mostly knows without asking.
    """
    dialect = engine.sync_engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def note(_: object, entry: ConnectionPoolEntry) -> None:
        entry.info[_RETURNED] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def check(connection: Any, entry: ConnectionPoolEntry, _: object) -> None:
        driver: Any = entry.driver_connection
        if driver.is_closed():
            raise DisconnectionError("the server closed the connection")
        returned = entry.info.get(_RETURNED)
        if returned is None or time.monotonic() - returned < TRUSTED_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise DisconnectionError("the connection was lost") from error
