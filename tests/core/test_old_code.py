"""Old code runs on the new schema: what the revision before wrote, the newest still takes.

A service is updated process by process, so for a while code of the last release writes to tables
of the next. Columns it does not know must fill themselves; those it knows must stay as they were.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from core.migrations import config_for
from core.store.unit import async_url

Column = tuple[str, bool, bool]  # its type, whether it takes NULL, whether it fills itself
Schema = dict[str, dict[str, Column]]
FIRST = "0003"  # the first released; older revisions replaced columns
_CONFIG = config_for("postgresql+asyncpg://unused")
_REVISIONS = [s.revision for s in ScriptDirectory.from_config(_CONFIG).walk_revisions()][::-1]
PAIRS = list(itertools.pairwise(_REVISIONS))[_REVISIONS.index(FIRST) :]


@pytest.fixture
async def schema_at(postgres_url: str) -> AsyncIterator[Callable[[str], Awaitable[Schema]]]:
    """Brings a scratch database to a revision and returns its columns: ``await schema_at(id)``."""
    name = f"nuxa_test_{secrets.token_hex(6)}"
    server = await asyncpg.connect(postgres_url)
    await server.execute(f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))

    async def bring(revision: str) -> Schema:
        await asyncio.to_thread(command.upgrade, config_for(async_url(url)), revision)
        return await _columns(url)

    yield bring
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


async def _columns(url: str) -> Schema:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT table_name, column_name, udt_name, is_nullable = 'YES',"
        " column_default IS NOT NULL OR is_identity = 'YES' OR is_generated = 'ALWAYS'"
        " FROM information_schema.columns WHERE table_schema = 'public'"
    )
    await connection.close()
    found: Schema = {}
    for table, column, *facts in rows:
        kind, takes_null, fills_itself = facts
        found.setdefault(table, {})[column] = (kind, takes_null, fills_itself)
    return found


def broken(old: Schema, new: Schema) -> list[str]:
    """Return what code that knows only ``old`` can no longer do on ``new``."""
    faults = []
    for table, columns in old.items():
        now = new.get(table, {})
        for column, (kind, takes_null, fills_itself) in columns.items():
            if column not in now or now[column][0] != kind:
                faults.append(f"{table}.{column} is gone or of another type")
            elif takes_null and not now[column][1]:
                faults.append(f"{table}.{column} no longer takes NULL")
            elif fills_itself and not (now[column][1] or now[column][2]):
                faults.append(f"{table}.{column} no longer fills itself")
        for column in now.keys() - columns.keys():
            if not (now[column][1] or now[column][2]):
                faults.append(f"{table}.{column} is new and must be given")
    return faults


@pytest.mark.parametrize(("before", "after"), PAIRS)
async def test_the_revision_before_writes_what_this_one_takes(
    schema_at: Callable[[str], Awaitable[Schema]], before: str, after: str
) -> None:
    assert broken(await schema_at(before), await schema_at(after)) == []


def test_there_is_a_revision_to_look_at() -> None:
    assert PAIRS


def test_each_way_of_breaking_is_noticed() -> None:
    old: Schema = {"t": {"a": ("text", True, False), "b": ("text", False, True)}}
    plain, given = ("text", True, False), ("text", False, False)
    assert broken(old, {"t": {**old["t"], "c": plain}}) == []
    assert len(broken(old, {"t": {**old["t"], "c": given}})) == 1
    assert len(broken(old, {"t": {"a": given, "b": given}})) == 2
    assert len(broken(old, {"t": {"a": ("int4", True, False)}})) == 2
    assert len(broken(old, {})) == 2
