"""A new key for sealed values: all that is stored is sealed anew, in small transactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Table

from core.config import Settings
from core.security import SealBroken, Sealer
from core.services import NotConfigured, seal_keys
from core.store.sealed import sealed_columns
from core.store.unit import Store, open_store

log = structlog.get_logger(__name__)


@dataclass
class Rotated:
    """How many values were sealed anew, had been before, and cannot be opened with any key."""

    sealed: int = 0
    current: int = 0
    broken: int = 0


async def rotate(settings: Settings) -> Rotated:
    """Seal everything with the newest key; may be interrupted anywhere and run again."""
    if settings.database_url is None:
        raise NotConfigured("Set NUXA_DATABASE_URL first, to the database of the service.")
    sealer, done = Sealer(seal_keys(settings)), Rotated()
    store = open_store(settings.database_url, settings)
    try:
        for table, column in sealed_columns():
            await _rotate_column(store, sealer, table, column, done)
    finally:
        await store.close()
    return done


async def _rotate_column(
    store: Store, sealer: Sealer, table: Table, column: str, done: Rotated
) -> None:
    def reseal(value: str) -> str | None:
        try:
            anew = sealer.reseal(value)
        except SealBroken:
            log.warning("a sealed value cannot be opened", table=table.name, column=column)
            done.broken += 1
            return None
        if anew is None:
            done.current += 1
        else:
            done.sealed += 1
        return anew

    last: tuple[Any, ...] | None = None
    while True:
        async with store.system() as unit:
            last = await unit.sealed_values.reseal(table, column, last, reseal)
        if last is None:
            return
