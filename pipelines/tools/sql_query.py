"""Read-only SQL against a database of the workspace."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import Field, JsonValue

from core.http.address import Allowed
from core.sql import MAX_SQL_CHARS, SqlLimits, read_rows
from pipelines.tools.base import Output, Params, Reach, Tool

DATABASE_URL: Final = "SQL_DATABASE_URL"
MAX_ROWS: Final = 1_000
MAX_BYTES: Final = 1024**2
MAX_TIMEOUT_MS: Final = 30_000

Scalar: TypeAlias = str | int | float | bool | None


class SqlQuery(Params):
    query: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_SQL_CHARS,
            description="One SELECT, VALUES or WITH of PostgreSQL; $1, $2 stand for params.",
        ),
    ]
    params: Annotated[list[Scalar], Field(max_length=100)] = Field(default_factory=list)
    max_rows: Annotated[int, Field(ge=1, le=MAX_ROWS)] = 100
    timeout_ms: Annotated[int, Field(ge=100, le=MAX_TIMEOUT_MS)] = 10_000


async def query_database(reach: Reach, params: SqlQuery) -> Output:
    """Read rows of the workspace's PostgreSQL database by one SELECT, which changes nothing."""
    limits = SqlLimits(params.max_rows, MAX_BYTES, params.timeout_ms / 1000)
    found = await read_rows(
        Allowed.parse(reach.services.settings.outgoing_allow),
        reach.services.store.engine,
        reach.credentials[DATABASE_URL],
        params.query,
        params.params,
        limits,
    )
    columns: list[JsonValue] = list(found.rows[0]) if found.rows else []
    rows: list[JsonValue] = list(found.rows)
    return {
        "columns": columns,
        "rows": rows,
        "rowCount": len(rows),
        "truncated": found.is_truncated,
    }


SQL_QUERY: Final = Tool(
    "sql_query", "data", query_database, ((DATABASE_URL,),), read_only=True, requires_approval=True
)
