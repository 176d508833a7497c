"""A database whose user is no superuser and may make no roles, as managed services give one."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from core.config import Settings
from core.migrations import migrate
from core.migrations.walls import NoTenantRole
from core.store.driver import fetch
from core.store.unit import async_url, open_store

_ROWS = """
    INSERT INTO users (id, email, name, email_verified) VALUES ('usr_1', 'a@b.c', 'A', true);
    INSERT INTO workspaces (id, name, plan, owner_id, limits)
    VALUES ('ws_1', 'One', 'free', 'usr_1', '{}'), ('ws_2', 'Two', 'free', 'usr_1', '{}');
"""


@pytest.fixture
async def plain_user(postgres_url: str) -> AsyncIterator[tuple[asyncpg.Connection, str]]:
    """An administrator's connection, and the URL of a database whose owner may make no role."""
    name, password = f"nuxa_test_{secrets.token_hex(6)}", secrets.token_hex(8)
    admin = await asyncpg.connect(postgres_url)
    await admin.execute(f"CREATE ROLE {name} LOGIN NOCREATEROLE PASSWORD '{password}'")
    await admin.execute(f"CREATE DATABASE {name} OWNER {name}")
    parts = urlsplit(postgres_url)
    inside = await asyncpg.connect(urlunsplit(parts._replace(path=f"/{name}")))
    await inside.execute("CREATE EXTENSION vector")
    await inside.close()
    where = f"{name}:{password}@{parts.hostname}:{parts.port}"
    yield admin, urlunsplit(parts._replace(netloc=where, path=f"/{name}"))
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.execute(f"DROP ROLE IF EXISTS {name}_tenant")
    await admin.execute(f"DROP ROLE {name}")
    await admin.close()


async def test_it_is_told_what_an_administrator_must_run_and_then_has_its_walls(
    plain_user: tuple[asyncpg.Connection, str], settings: Settings
) -> None:
    admin, url = plain_user
    with pytest.raises(NoTenantRole, match="CREATE ROLE") as refused:
        await asyncio.to_thread(migrate, async_url(url))
    await admin.execute(refused.value.message.split("`")[1])
    await asyncio.to_thread(migrate, async_url(url))
    owner = await asyncpg.connect(url)
    await owner.execute(_ROWS)
    await owner.close()

    store = open_store(url, settings)
    async with store.unit("ws_1") as unit:
        assert [row[0] for row in await fetch(unit._session, "SELECT id FROM workspaces")] == [
            "ws_1"
        ]
    async with store.system() as system:
        assert len(await fetch(system._session, "SELECT id FROM workspaces")) == 2
    await store.close()


async def test_a_role_that_passes_walls_is_refused(
    plain_user: tuple[asyncpg.Connection, str],
) -> None:
    admin, url = plain_user
    user = urlsplit(url).username
    await admin.execute(f"CREATE ROLE {user}_tenant BYPASSRLS; GRANT {user}_tenant TO {user}")
    with pytest.raises(NoTenantRole, match="NOBYPASSRLS"):
        await asyncio.to_thread(migrate, async_url(url))


async def test_a_second_migration_changes_nothing(database_url: str) -> None:
    """Raising a wall locks its table: a start beside running processes must not do it again."""
    connection = await asyncpg.connect(database_url)
    policies = "SELECT oid, polrelid FROM pg_policy ORDER BY oid"
    before = await connection.fetch(policies)
    reader = connection.transaction()
    await reader.start()
    await connection.execute("SELECT * FROM documents")  # an ALTER TABLE would wait for it
    async with asyncio.timeout(20):
        await asyncio.to_thread(migrate, async_url(database_url))
    await reader.rollback()
    assert before and await connection.fetch(policies) == before
    await connection.close()
