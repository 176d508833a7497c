"""sql_query against a database of its own on a real server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from core.config import Settings
from core.errors import ValidationFailed
from core.http.errors import AddressForbidden
from core.sql import DatabaseUrlInvalid, QueryFailed
from tests.pipelines.tools.conftest import CallTool, Save


@pytest.fixture(scope="session")
async def shop_url(postgres_url: str) -> AsyncIterator[str]:
    """A database with a table of 300 orders."""
    name = f"nuxa_shop_{secrets.token_hex(6)}"
    server = await asyncpg.connect(postgres_url)
    await server.execute(f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
    shop = await asyncpg.connect(url)
    await shop.execute(
        "CREATE TABLE orders AS SELECT n AS id, 'item ' || n AS title, n * 1.5 AS price,"
        " DATE '2026-01-01' + n AS bought FROM generate_series(1, 300) n"
    )
    await shop.execute("CREATE SEQUENCE numbers")
    await shop.close()
    yield url
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture(autouse=True)
async def allowed_shop(
    settings: Settings, shop_url: str, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = urlsplit(shop_url)
    monkeypatch.setattr(settings, "outgoing_allow", f"{parts.hostname}:{parts.port}")
    await save("SQL_DATABASE_URL", shop_url)


async def test_sql_query_returns_rows_as_json(call_tool: CallTool) -> None:
    output = await call_tool(
        "sql_query",
        query="SELECT id, title, price, bought FROM orders WHERE id > $1 ORDER BY id LIMIT 2; ",
        params=[7],
    )
    assert output == {
        "columns": ["id", "title", "price", "bought"],
        "rows": [
            {"id": 8, "title": "item 8", "price": 12.0, "bought": "2026-01-09"},
            {"id": 9, "title": "item 9", "price": 13.5, "bought": "2026-01-10"},
        ],
        "rowCount": 2,
        "truncated": False,
    }


async def test_sql_query_with_more_rows_than_allowed_is_truncated(call_tool: CallTool) -> None:
    output = await call_tool("sql_query", query="TABLE orders", maxRows=120)
    assert (output["rowCount"], output["truncated"]) == (120, True)


async def test_sql_query_with_a_huge_row_returns_bounded_bytes(call_tool: CallTool) -> None:
    output = await call_tool("sql_query", query="SELECT repeat('x', 50000000) AS x")
    assert output == {"columns": [], "rows": [], "rowCount": 0, "truncated": True}


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM orders",
        "UPDATE orders SET price = 0",
        "WITH gone AS (DELETE FROM orders RETURNING 1) SELECT * FROM gone",
        "SELECT 1; DELETE FROM orders",
        "SELECT 1) AS q; DELETE FROM orders; --",
        "SELECT 1) AS q; COMMIT; BEGIN READ WRITE; DELETE FROM orders; SELECT (1",
        "SELECT nextval('numbers')",
        "SELECT set_config('transaction_read_only', 'off', true), nextval('numbers')",
        "SELECT set_config('default_transaction_read_only', 'off', false), nextval('numbers')",
        "COPY orders TO PROGRAM 'true'",
        "COPY orders TO '/tmp/orders'",
        "DROP TABLE orders",
        "CREATE TABLE more (id int)",
        "SELECT * INTO more FROM orders",
        "DO $$ BEGIN DELETE FROM orders; END $$",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "COMMIT",
        "SELECT lo_from_bytea(0, 'x')",
    ],
)
async def test_sql_query_that_writes_is_refused(
    query: str, call_tool: CallTool, shop_url: str
) -> None:
    with pytest.raises(QueryFailed):
        await call_tool("sql_query", query=query)
    shop = await asyncpg.connect(shop_url)
    assert await shop.fetchval("SELECT count(*) FROM orders") == 300
    assert await shop.fetchval("SELECT is_called FROM numbers") is False
    assert await shop.fetchval("SELECT to_regclass('more')") is None
    assert await shop.fetchval("SELECT count(*) FROM pg_largeobject_metadata") == 0
    await shop.close()


async def test_sql_query_that_takes_long_is_ended_by_the_server(
    call_tool: CallTool, shop_url: str
) -> None:
    with pytest.raises(QueryFailed):
        await call_tool("sql_query", query="SELECT pg_sleep(100)", timeoutMs=200)
    await _wait_until_idle(shop_url)


async def test_sql_query_that_is_cancelled_is_cancelled_at_the_server(
    call_tool: CallTool, shop_url: str
) -> None:
    call = asyncio.ensure_future(
        call_tool("sql_query", query="SELECT pg_sleep(25)", timeoutMs=30_000)
    )
    async with asyncio.timeout(60):
        while not await _count_sleeping(shop_url):
            await asyncio.sleep(0.02)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await _wait_until_idle(shop_url)


async def _wait_until_idle(url: str) -> None:
    async with asyncio.timeout(15):
        while await _count_sleeping(url):
            await asyncio.sleep(0.02)


async def _count_sleeping(url: str) -> int:
    shop = await asyncpg.connect(url)
    try:
        count: int = await shop.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND"
            " datname = current_database() AND pid <> pg_backend_pid()"
        )
        return count
    finally:
        await shop.close()


async def test_sql_query_the_server_refuses_says_why(
    call_tool: CallTool, save: Save, shop_url: str
) -> None:
    with pytest.raises(QueryFailed, match="nothing") as caught:
        await call_tool("sql_query", query="SELECT * FROM nothing")
    assert caught.value.details["sqlState"] == "42P01"
    with pytest.raises(QueryFailed):
        await call_tool("sql_query", query="SELECT $1::int", params=["seven"])
    await save("SQL_DATABASE_URL", urlunsplit(urlsplit(shop_url)._replace(path="/nowhere")))
    with pytest.raises(QueryFailed, match="nowhere"):
        await call_tool("sql_query", query="SELECT 1")


async def test_sql_query_of_our_own_database_is_refused(
    call_tool: CallTool, save: Save, database_url: str
) -> None:
    await save("SQL_DATABASE_URL", database_url)
    with pytest.raises(DatabaseUrlInvalid, match="own"):
        await call_tool("sql_query", query="SELECT 1")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////etc/passwd",
        "mysql://u:hush-4711@db.example.com/x",
        "postgresql+psycopg2://u:hush-4711@db.example.com/x",
        "postgresql://u:hush-4711@db.example.com/x?host=/var/run/postgresql",
        "postgresql://u:hush-4711@/x",
        "postgresql://u:hush-4711@db.example.com/x?sslmode=allow",
        "hush-4711",
    ],
)
async def test_sql_query_with_bad_url_is_refused_without_showing_it(
    url: str, call_tool: CallTool, save: Save
) -> None:
    await save("SQL_DATABASE_URL", url)
    with pytest.raises(DatabaseUrlInvalid) as caught:
        await call_tool("sql_query", query="SELECT 1")
    assert "hush-4711" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]"])
async def test_sql_query_of_private_address_is_refused(
    host: str,
    call_tool: CallTool,
    save: Save,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "outgoing_allow", "")
    await save("SQL_DATABASE_URL", f"postgresql://u:p@{host}/x")
    with pytest.raises(AddressForbidden):
        await call_tool("sql_query", query="SELECT 1")


@pytest.mark.parametrize(
    "params", [{"query": ""}, {"query": "SELECT 1", "maxRows": 1001}, {"query": "x" * 20_001}]
)
async def test_sql_query_with_bad_parameters_is_refused(
    params: dict[str, object], call_tool: CallTool
) -> None:
    with pytest.raises(ValidationFailed):
        await call_tool("sql_query", **params)
