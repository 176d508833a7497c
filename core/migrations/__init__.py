"""Alembic's revisions, and the call that applies them."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config


def config_for(database_url: str) -> Config:
    """Return Alembic's configuration for a database URL with an async driver."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    return config


def migrate(database_url: str) -> None:
    """Bring the schema to the newest revision; safe to call from several processes at once."""
    command.upgrade(config_for(database_url), "head")
