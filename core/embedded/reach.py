"""The database for a command: the one that is set, the embedded one that runs, or one just now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.config import Settings
from core.embedded.postgres import running_url
from core.embedded.process import EmbeddedServerFailed
from core.embedded.servers import EmbeddedServers


@contextmanager
def database_of(settings: Settings, *, alone: bool) -> Iterator[str]:
    """Give the URL of the service's database; with ``alone``, only if no service runs on it.

    Raises EmbeddedServerFailed when the embedded server is in use and should not be, or fails.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    servers = EmbeddedServers(settings.data_dir, valkey=False)
    try:
        servers.start()
    except EmbeddedServerFailed:
        url = None if alone else running_url(Path(settings.data_dir) / "postgres")
        if url is None:
            raise
        yield url
        return
    try:
        yield servers.database_url
    finally:
        servers.stop()
