"""Chunks that were edited before their origin was kept lose the offsets of another text."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from core.migrations import config_for
from core.store.unit import async_url

REVISION = "0058"
_CHUNK = """
    INSERT INTO chunks (id, workspace_id, base_id, document_id, chunk_index, content, token_count,
        heading_path, start_offset, end_offset, metadata, enabled, terms, frequencies)
    VALUES ($1, 'w', 'b', 'd', $2, $3, 1, '{}', $4, $5, '{}', true, '{}', '{}')
"""


@pytest.fixture
async def scratch_url(postgres_url: str) -> AsyncIterator[str]:
    name = f"nuxa_test_{secrets.token_hex(6)}"
    server = await asyncpg.connect(postgres_url)
    await server.execute(f"CREATE DATABASE {name}")
    yield urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


async def test_upgrade_with_edited_chunks_clears_their_offsets(scratch_url: str) -> None:
    config = config_for(async_url(scratch_url))
    before = ScriptDirectory.from_config(config).get_revision(REVISION).down_revision
    await asyncio.to_thread(command.upgrade, config, str(before))
    connection = await asyncpg.connect(scratch_url)
    await connection.execute("SET session_replication_role = replica")  # no other rows are needed
    await connection.execute(_CHUNK, "read", 0, "Zoë slept.", 5, 15)
    await connection.execute(_CHUNK, "edited", 1, "Zoë woke up.", 17, 27)
    await asyncio.to_thread(command.upgrade, config, REVISION)
    rows = await connection.fetch("SELECT id, origin, start_offset, end_offset FROM chunks")
    await connection.close()
    assert {row[0]: tuple(row)[1:] for row in rows} == {
        "read": ("document", 5, 15),
        "edited": ("edited", None, None),
    }
