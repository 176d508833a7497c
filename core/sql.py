"""Read-only queries against databases of workspaces, never against our own."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncpg import InterfaceError, PostgresError
from pydantic import JsonValue
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from core.errors import UpstreamError, ValidationFailed
from core.http.address import Allowed
from core.http.connect import LookUp, look_up, resolve_allowed
from core.http.errors import HostUnreachable

MAX_SQL_CHARS: Final = 20_000
_BATCH_ROWS: Final = 50
_CONNECT_SECONDS: Final = 10.0
_SCHEMES: Final = ("postgresql", "postgresql+asyncpg", "postgres")
_TLS_MODES: Final = ("disable", "prefer", "require", "verify-ca", "verify-full")
_MAX_MESSAGE_CHARS: Final = 100
# The server makes the JSON and cuts it, so that no row can fill our memory; DECLARE takes a query
# that reads, and an extended query a single statement.
_CURSOR: Final = """DECLARE nuxa_rows NO SCROLL CURSOR FOR
SELECT left(row_to_json(q)::text, {max_chars}) FROM (
{sql}
) AS q"""
_IDENTITY: Final = "SELECT system_identifier, current_database() FROM pg_control_system()"


class DatabaseUrlInvalid(ValidationFailed):
    """The URL of a database is malformed, names another driver, or is that of our own."""


class QueryFailed(UpstreamError):
    """The database cannot be reached or refused the query; ``details.sqlState`` is its code."""


@dataclass(frozen=True)
class SqlLimits:
    max_rows: int
    max_bytes: int
    seconds: float


@dataclass(frozen=True)
class SqlRows:
    """``is_truncated`` says that rows were left out by a limit."""

    rows: list[dict[str, JsonValue]]
    is_truncated: bool


class _PinnedTls(ssl.SSLContext):
    """A context that checks the certificate for a name while the connection is to an address."""

    host: str = ""

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        return super().wrap_bio(*args, **{**options, "server_hostname": self.host})


async def read_rows(
    allowed: Allowed,
    own: AsyncEngine,
    url: str,
    sql: str,
    params: Sequence[JsonValue],
    limits: SqlLimits,
    resolve: LookUp = look_up,
) -> SqlRows:
    """Run one query in a read-only transaction of its own connection.

    ``own`` is the engine of this service's database, which is never queried. Raises
    ``DatabaseUrlInvalid``, ``AddressForbidden`` and ``QueryFailed``. Cancelling it cancels the
    query at the server.
    """
    target = _read_url(url)
    try:
        async with asyncio.timeout(limits.seconds + _CONNECT_SECONDS):
            host, port = str(target.host), target.port or 5432
            addresses = await resolve_allowed(allowed, resolve, host, port)
            engine = _make_engine(target, addresses[0])
            try:
                async with engine.connect() as connection:
                    await _refuse_own_database(connection, own)
                    return await _fetch(connection, sql, params, limits)
            finally:
                await engine.dispose()
    except TimeoutError as error:
        raise QueryFailed(
            "The database did not answer in time; ask for less or raise timeoutMs."
        ) from error
    except DBAPIError as error:
        raise _explain(error.orig or error) from error
    except (PostgresError, InterfaceError) as error:  # of connecting, which SQLAlchemy leaves as is
        raise _explain(error) from error
    except OSError as error:
        raise HostUnreachable(
            "The connection to the database failed; check SQL_DATABASE_URL."
        ) from error


def _read_url(text: str) -> URL:
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError) as error:
        raise DatabaseUrlInvalid(
            "The database URL is malformed; write postgresql://user:password@host/name."
        ) from error
    if url.drivername not in _SCHEMES:
        raise DatabaseUrlInvalid(
            f"Unsupported database driver {url.drivername[:40]}; use a postgresql:// URL."
        )
    if not url.host or not url.database or not url.username:
        raise DatabaseUrlInvalid("The database URL must name user, host and database.")
    if set(url.query) - {"sslmode"} or url.query.get("sslmode", "prefer") not in _TLS_MODES:
        raise DatabaseUrlInvalid(
            f"The database URL may have sslmode only, one of {', '.join(_TLS_MODES)}."
        )
    return url


def _make_engine(url: URL, address: str) -> AsyncEngine:
    """Return an engine that connects to an address that was checked, and looks up no name."""
    mode = str(url.query.get("sslmode", "prefer"))
    tls: ssl.SSLContext | str = mode
    if mode in ("verify-ca", "verify-full"):
        context = _PinnedTls(ssl.PROTOCOL_TLS_CLIENT)
        context.load_default_certs()
        context.check_hostname = mode == "verify-full"
        context.host = str(url.host)
        tls = context
    return create_async_engine(
        url.set(drivername="postgresql+asyncpg", host=address, query={}),
        poolclass=NullPool,
        connect_args={
            "ssl": tls,
            "timeout": _CONNECT_SECONDS,
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
        },
    )


async def _refuse_own_database(connection: AsyncConnection, own: AsyncEngine) -> None:
    """Compare the servers themselves: one may have many names and addresses."""
    async with own.connect() as ours:
        identity = (await ours.execute(text(_IDENTITY))).one()
    try:
        other = (await connection.execute(text(_IDENTITY))).one()
    except DBAPIError:  # another make of server, which has no such function, or forbids it
        await connection.rollback()
        other = None
    await connection.rollback()
    if other is not None and tuple(other) == tuple(identity):
        raise DatabaseUrlInvalid("The database is this service's own; name another one.")


async def _fetch(
    connection: AsyncConnection, sql: str, params: Sequence[JsonValue], limits: SqlLimits
) -> SqlRows:
    await connection.execution_options(postgresql_readonly=True)
    milliseconds = max(1, int(limits.seconds * 1000))
    for setting in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
        await connection.execute(text(f"SET LOCAL {setting} = {milliseconds}"))
    max_chars = limits.max_bytes + 1
    declared = _CURSOR.format(max_chars=max_chars, sql=_strip_end(sql))
    await connection.exec_driver_sql(declared, tuple(params))
    rows: list[dict[str, JsonValue]] = []
    total = 0
    while True:
        count = min(_BATCH_ROWS, limits.max_rows + 1 - len(rows))
        batch = (await connection.exec_driver_sql(f"FETCH {count} FROM nuxa_rows")).scalars().all()
        for row in batch:
            total += len(row.encode())
            if len(rows) == limits.max_rows or total > limits.max_bytes:
                return SqlRows(rows, is_truncated=True)
            rows.append(json.loads(row))
        if len(batch) < count:
            return SqlRows(rows, is_truncated=False)


def _strip_end(sql: str) -> str:
    return sql.strip().rstrip(";").rstrip()


def _explain(error: BaseException) -> QueryFailed:
    """Return the server's own sentence, which names neither host nor password."""
    state = getattr(error, "sqlstate", None)
    lines = str(error.__cause__ or error).splitlines() or ["no reason given"]
    return QueryFailed(
        f"The database refused the query: {lines[0][:_MAX_MESSAGE_CHARS]}; correct it.",
        {"sqlState": state} if state else {},
    )
