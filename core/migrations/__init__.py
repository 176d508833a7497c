"""Alembic's revisions, and the call that applies them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from core.errors import ServiceUnavailable


class SchemaMissing(ServiceUnavailable):
    """The database is not at the revision this code was written for."""


def config_for(database_url: str) -> Config:
    """Return Alembic's configuration for a database URL with an async driver."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    return config


def migrate(database_url: str) -> None:
    """Bring the schema to the newest revision; safe to call from several processes at once."""
    command.upgrade(config_for(database_url), "head")


async def is_current(database_url: str) -> bool:
    """Whether the schema is at the newest revision; the URL is a plain ``postgresql://`` one."""
    connection = await asyncpg.connect(database_url)
    try:
        revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return False
    finally:
        await connection.close()
    return bool(revision == ScriptDirectory(str(Path(__file__).parent)).get_current_head())


async def wait_until_current(database_url: str, seconds: float) -> None:
    """Return once the schema is current: no process serves on a schema it does not know.

    Raises SchemaMissing after ``seconds``.
    """
    try:
        async with asyncio.timeout(seconds):
            while not await is_current(database_url):  # noqa: ASYNC110 - another process migrates
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise SchemaMissing(
            "The database is not at this version's schema: run `python -m api migrate`."
        ) from None
