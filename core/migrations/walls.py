"""Row-level security: the role of units of a workspace, and what it may see of each table.

Built after every migration, of whatever tables there are then: a new table with a column
``workspace_id`` has its wall without anybody thinking of it, one without the column is out of
reach of all workspaces until it is named here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from core.errors import ServiceUnavailable
from core.store.walls import SETTING, TENANT_ROLE

POLICY: Final = "tenant"
_MINE: Final = f"(SELECT current_setting('{SETTING}', true))"  # a query: asked once, not a row
OWN_ROWS: Final = f"workspace_id = {_MINE}"
# Tables that say in another way whose a row is.
OTHER_WAYS: Final = {
    "workspaces": f"id = {_MINE}",
    "users": "EXISTS (SELECT FROM members WHERE members.user_id = users.id)",
    # Sets of the bases, and those that are being made for them or that they had a moment ago.
    "vectors": "base_no = ANY (ARRAY(SELECT coalesce(vector_set_no, no) FROM knowledge_bases"
    " UNION ALL SELECT vector_set FROM reembeddings"
    " UNION ALL SELECT replaced_set FROM reembeddings))",
}
_NEEDS: Final = {"vectors": "reembeddings"}  # its rule; before that table none is made
# Without a wall, and why.
OPEN: Final = {
    "postings": "words and numbers only, written by COPY, which takes no wall; docs/decisions/0018",
    "terms": "words and counts only, of the base that postings are of",
}
_NOT_OURS: Final = ("alembic_version",)
_INSUFFICIENT: Final = "42501"


class NoTenantRole(ServiceUnavailable):
    """The role of workspaces is missing and may not be made, or is one that no wall stops."""


def build(connection: Connection) -> None:
    """Make what is missing of role, rights and policies; raises ``NoTenantRole``."""
    role = str(connection.scalar(text(f"SELECT quote_ident({TENANT_ROLE})")))
    _make_role(connection, role)
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {role}"))
    tables = dict(_tables(connection))
    for table, has_workspace in tables.items():
        connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}"))
        rule = OTHER_WAYS.get(table, OWN_ROWS if has_workspace else None)
        if table not in OPEN and _NEEDS.get(table, table) in tables:
            _enclose(connection, table, rule)
    for sequence in list(_sequences(connection)):
        connection.execute(text(f"GRANT USAGE ON SEQUENCE {sequence} TO {role}"))


def _make_role(connection: Connection, role: str) -> None:
    named = f"SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = {TENANT_ROLE}"  # noqa: S608
    unstoppable = connection.scalar(text(named))
    if unstoppable:
        raise NoTenantRole(
            f"The role {role} passes row-level security: let an administrator run"
            f" `ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS`."
        )
    if unstoppable is None:
        _run_or_explain(connection, f"CREATE ROLE {role} NOLOGIN", role)
    # From PostgreSQL 16 on, membership and the right to take the role are two things.
    may_take = text(
        f"SELECT pg_has_role(session_user, {TENANT_ROLE}, CASE WHEN"
        " current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)"
    )
    if not connection.scalar(may_take):
        _run_or_explain(connection, f"GRANT {role} TO CURRENT_USER", role)


def _run_or_explain(connection: Connection, statement: str, role: str) -> None:
    try:
        with connection.begin_nested():
            connection.execute(text(statement))
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _INSUFFICIENT:
            raise
        user = connection.scalar(text("SELECT quote_ident(session_user)"))
        raise NoTenantRole(
            "The database's user may not make the role that keeps workspaces apart: let an"
            f" administrator run `CREATE ROLE {role} NOLOGIN; GRANT {role} TO {user};` once."
        ) from error


def _tables(connection: Connection) -> Iterator[tuple[str, bool]]:
    """Yield our tables, and whether each has a column ``workspace_id``."""
    rows = connection.execute(
        text("""
            SELECT c.relname, EXISTS (
                SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'workspace_id'
            )
            FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                AND pg_has_role(c.relowner, 'USAGE') AND c.relname <> ALL (:others)
            ORDER BY c.relname
        """),
        {"others": list(_NOT_OURS)},
    )
    for name, has_workspace in rows:
        yield str(name), bool(has_workspace)


def _sequences(connection: Connection) -> Iterator[str]:
    yield from connection.scalars(
        text("""
            SELECT quote_ident(relname) FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
                AND pg_has_role(relowner, 'USAGE')
        """)
    )


def _enclose(connection: Connection, table: str, rule: str | None) -> None:
    """Raise a table's wall; one that stands is left alone, since to raise it locks the table."""
    found: Any = connection.execute(
        text("""
            SELECT c.relrowsecurity, EXISTS (
                SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = :policy
            )
            FROM pg_class c WHERE c.oid = to_regclass(:table)
        """),
        {"table": table, "policy": POLICY},
    ).one()
    is_walled, has_policy = found
    if not is_walled:
        connection.execute(text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))
    if rule is not None and not has_policy:
        connection.execute(text(f"CREATE POLICY {POLICY} ON {table} USING ({rule})"))
