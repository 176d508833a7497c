"""What stands behind the repositories: PostgreSQL itself shows a workspace nothing of another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.migrations.walls import OPEN, OTHER_WAYS
from core.store.base import Base
from core.store.driver import Rows, fetch, look
from core.store.pages import PageRequest
from core.store.unit import Store, Unit
from core.store.walls import UnitSession
from core.store.workflows import Workflow
from tests.conftest import Owner
from tests.knowledge import add_document, make_base

MakeOwner = Callable[[], Awaitable[Owner]]
# Whose rows no workspace sees: accounts' own, read by units above workspaces only.
_HIDDEN = {
    "bearer_tokens",
    "linked_accounts",
    "program_grants",
    "totp_factors",
    "recovery_codes",
    "passkeys",
}


async def _fill(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, ["a text of its own"])
    async with store.unit(owner.workspace_id) as unit:
        unit.workflows.add(Workflow(id=f"wf_{owner.workspace_id}", name="W", definition={}))


async def _workspaces(unit: Unit, table: str, column: str = "workspace_id") -> set[str]:
    rows = await unit._session.execute(text(f"SELECT DISTINCT {column} FROM {table}"))
    return set(rows.scalars())


async def test_every_table_has_its_wall_or_a_reason(store: Store) -> None:
    async with store.engine.connect() as connection:
        rows = await connection.execute(
            text("""
                SELECT c.relname, c.relrowsecurity, p.polname, EXISTS (SELECT FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = 'workspace_id')
                FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
            """)
        )
        found = {name: (is_walled, policy, owned) for name, is_walled, policy, owned in rows}
    for name in Base.metadata.tables:
        is_walled, policy, has_workspace = found[name]
        if name in OPEN:
            assert not is_walled and not has_workspace and OPEN[name]
        elif has_workspace or name in OTHER_WAYS:
            assert is_walled and policy == "tenant", f"{name} has no wall"
        else:
            assert is_walled and policy is None and name in _HIDDEN, f"whose are rows of {name}?"


async def test_raw_sql_without_a_filter_sees_its_own_rows_only(
    store: Store, make_owner: MakeOwner
) -> None:
    mine, theirs = await make_owner(), await make_owner()
    for owner in (mine, theirs):
        await _fill(store, owner)
    async with store.unit(mine.workspace_id) as unit:
        for table in ("chunks", "documents", "knowledge_bases", "workflows", "members"):
            assert await _workspaces(unit, table) == {mine.workspace_id}
        assert await _workspaces(unit, "workspaces", "id") == {mine.workspace_id}
        assert await _workspaces(unit, "users", "id") == {mine.user_id}
        assert len(await _workspaces(unit, "vectors", "base_no")) == 1
    async with store.system() as system:
        rows = await system._session.execute(text("SELECT DISTINCT workspace_id FROM chunks"))
        assert set(rows.scalars()) == {mine.workspace_id, theirs.workspace_id}


async def test_the_driver_stands_behind_the_wall_too(store: Store, make_owner: MakeOwner) -> None:
    mine, theirs = await make_owner(), await make_owner()
    for owner in (mine, theirs):
        await _fill(store, owner)
    async with store.unit(mine.workspace_id) as unit:
        looked = await look(unit._session, "SELECT DISTINCT workspace_id FROM chunks")
        rows = await fetch(unit._session, "SELECT DISTINCT workspace_id FROM chunks")
    assert [row[0] for row in rows] == [row[0] for row in looked] == [mine.workspace_id]


@pytest.mark.parametrize("ask", [look, fetch])
async def test_who_names_no_workspace_sees_nothing(
    store: Store, make_owner: MakeOwner, ask: Callable[..., Awaitable[Rows]]
) -> None:
    """Also on a connection that worked for somebody a moment ago."""
    owner = await make_owner()
    await _fill(store, owner)
    for _ in range(3):
        async with store.unit(owner.workspace_id) as unit:
            assert len(await ask(unit._session, "SELECT id FROM documents")) == 1
        async with store.unit(owner.workspace_id) as unit:
            session = unit._session.sync_session
            assert isinstance(session, UnitSession)
            session.workspace_id = None
            assert await ask(unit._session, "SELECT id FROM documents") == []


async def test_looks_of_many_workspaces_side_by_side_see_their_own(
    store: Store, make_owner: MakeOwner
) -> None:
    owners = [await make_owner() for _ in range(4)]

    async def see(owner: Owner) -> None:
        for _ in range(20):
            async with store.unit(owner.workspace_id) as unit:
                rows = await look(unit._session, "SELECT id FROM workspaces")
            assert [row[0] for row in rows] == [owner.workspace_id]

    await asyncio.gather(*(see(owner) for owner in owners * 5))


async def test_nothing_is_written_into_or_changed_in_another_workspace(
    store: Store, make_owner: MakeOwner
) -> None:
    mine, theirs = await make_owner(), await make_owner()
    await _fill(store, theirs)
    with pytest.raises(DBAPIError, match="row-level security"):
        async with store.unit(mine.workspace_id) as unit:
            moved = {"id": f"wf_{mine.workspace_id}", "name": "W", "definition": {}}
            unit._session.add(Workflow(**moved, workspace_id=theirs.workspace_id))
    async with store.unit(mine.workspace_id) as unit:
        for statement in ("UPDATE workflows SET name = 'gone'", "DELETE FROM documents"):
            await unit._session.execute(text(statement))
    async with store.unit(theirs.workspace_id) as unit:
        assert [row.name for row in (await unit.workflows.page(PageRequest(9))).rows] == ["W"]
        assert await _workspaces(unit, "documents") == {theirs.workspace_id}


async def test_accounts_credentials_are_out_of_reach(store: Store, owner: Owner) -> None:
    async with store.unit(owner.workspace_id) as unit:
        for table in _HIDDEN:
            assert not (await unit._session.execute(text(f"SELECT * FROM {table}"))).all()


async def test_a_connection_forgets_whom_it_worked_for(store: Store, make_owner: MakeOwner) -> None:
    owners = [await make_owner() for _ in range(3)]

    async def look(owner: Owner) -> None:
        for _ in range(10):
            async with store.unit(owner.workspace_id) as unit:
                assert await _workspaces(unit, "workspaces", "id") == {owner.workspace_id}
                await unit._session.rollback()
                assert await _workspaces(unit, "workspaces", "id") == {owner.workspace_id}
            async with store.system() as system:
                count = await fetch(system._session, "SELECT count(*) FROM workspaces")
                assert count[0][0] == 3
            async with store.engine.connect() as connection:
                assert await connection.scalar(text("SELECT count(*) FROM workspaces")) == 3

    await asyncio.gather(*(look(owner) for owner in owners))


async def test_a_workspaces_name_is_a_value_not_sql(store: Store) -> None:
    name = "x', true), set_config('role', 'none"
    async with store.unit(name) as unit:
        for ask in (look, fetch):
            found = await ask(unit._session, "SELECT current_setting('nuxa.workspace')")
            assert found[0][0] == name
        assert await _workspaces(unit, "workspaces", "id") == set()


async def test_the_role_owns_nothing_and_passes_no_wall(store: Store, owner: Owner) -> None:
    async with store.unit(owner.workspace_id) as unit:
        found = await fetch(
            unit._session,
            "SELECT rolsuper OR rolbypassrls OR rolcanlogin OR EXISTS ("
            "   SELECT FROM pg_class WHERE relowner = r.oid) "
            "FROM pg_roles r WHERE rolname = current_user",
        )
        assert found[0][0] is False
        with pytest.raises(DBAPIError, match="must be owner"):
            await fetch(unit._session, "ALTER TABLE chunks DISABLE ROW LEVEL SECURITY")
        await unit._session.rollback()
