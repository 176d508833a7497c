"""The embedded servers on one data directory, held by one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO

from core.config import VALKEY_MAX_BYTES
from core.embedded.local_model import EmbeddedModel
from core.embedded.postgres import EmbeddedPostgres
from core.embedded.process import EmbeddedServerFailed
from core.embedded.valkey import EmbeddedValkey


class EmbeddedServers:
    """A context manager: PostgreSQL and Valkey run inside it, and a local chat model where one is
    named. Use it from the main thread."""

    def __init__(
        self,
        data_dir: Path,
        *,
        postgres: bool = True,
        valkey: bool = True,
        local_model: str | None = None,
        valkey_max_bytes: int = VALKEY_MAX_BYTES,
    ) -> None:
        self._valkey_max_bytes = valkey_max_bytes
        self._data_dir = data_dir
        self._lock: IO[str] | None = None
        self._wants = (postgres, valkey, local_model)
        self.postgres: EmbeddedPostgres | None = None
        self.valkey: EmbeddedValkey | None = None
        self.model: EmbeddedModel | None = None

    @property
    def addresses(self) -> dict[str, str]:
        """What runs, as the settings that find it."""
        found = {}
        if self.postgres is not None:
            found["NUXA_DATABASE_URL"] = self.postgres.url
        if self.valkey is not None:
            found["NUXA_REDIS_URL"] = self.valkey.url
        if self.model is not None:
            found["NUXA_CHAT_BASE_URL"] = self.model.url
            found["NUXA_CHAT_API_KEY"] = self.model.key
        return found

    @property
    def database_url(self) -> str:
        """``postgresql://…`` of the embedded PostgreSQL; EmbeddedServerFailed before start."""
        if self.postgres is None:
            raise EmbeddedServerFailed("The embedded PostgreSQL was not started.")
        return self.postgres.url

    @property
    def redis_url(self) -> str:
        """``redis://…`` of the embedded Valkey; EmbeddedServerFailed before start."""
        if self.valkey is None:
            raise EmbeddedServerFailed("The embedded Valkey was not started.")
        return self.valkey.url

    def start(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Take the data directory, call ``meanwhile``, and start what is wanted.

        Raises EmbeddedServerFailed when another process holds the directory or a server fails.
        """
        self._data_dir.mkdir(parents=True, exist_ok=True)
        # Started as root, PostgreSQL's own user walks through here, and can list nothing.
        self._data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)
        self._take_lock()
        try:
            if meanwhile is not None:
                meanwhile()
            wants_postgres, wants_valkey, local_model = self._wants
            if wants_valkey:
                self.valkey = EmbeddedValkey(self._data_dir / "valkey", self._valkey_max_bytes)
                self.valkey.start()
            if wants_postgres:
                self.postgres = EmbeddedPostgres(self._data_dir / "postgres")
                self.postgres.start()
            if local_model is not None:
                self.model = EmbeddedModel(self._data_dir / "local-model", local_model)
                self.model.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut them down in order and let the data directory go; safe to call twice."""
        if self.postgres is not None:
            self.postgres.stop()
        if self.valkey is not None:
            self.valkey.stop()
        if self.model is not None:
            self.model.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> EmbeddedServers:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _take_lock(self) -> None:
        """Lock a file for as long as we live: the kernel lets it go however we end."""
        lock = (self._data_dir / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise EmbeddedServerFailed(
                f"Process {holder} already uses the data directory {self._data_dir}: "
                "stop it first, or set NUXA_DATA_DIR to another directory."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock
