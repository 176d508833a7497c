"""Everything on one machine: the embedded servers and our own processes, started and kept alive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from api.addresses import FILE_VARIABLE, announce
from core import terminal
from core.config import Settings, get_settings
from core.embedded.local_model import EmbeddedModel
from core.embedded.process import end_children, kill_session, last_words, rotate_log, spawn
from core.embedded.servers import EmbeddedServers
from core.errors import NuxaError, ServiceUnavailable

_STOP_SECONDS = 8
_LONGEST_PAUSE = 30.0
_STEADY_SECONDS = 60
_MAX_LOG_BYTES = 16 * 1024**2  # of one log; as much of what was before is kept


class LaunchFailed(ServiceUnavailable):
    """A process did not come up; the sentence says which and what it said last."""


class TookTooLong(LaunchFailed):
    """All processes live, but what was waited for did not come."""


class Part(Protocol):
    """What is kept alive: an embedded server or a process of ours."""

    @property
    def is_alive(self) -> bool: ...

    def start(self) -> None: ...


class OwnProcess:
    """One of our processes, ``python -m …`` in this directory, its output in a log file.

    It is killed with its launcher: rows have leases, so that the next start takes up its work.
    """

    def __init__(self, arguments: list[str], log: Path) -> None:
        self._arguments = arguments
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.parent.chmod(0o700)
        self.process = spawn(
            [sys.executable, "-m", *self._arguments],
            self.log,
            death_signal=signal.SIGKILL,
            directory=Path.cwd(),
            pass_fds=terminal.share(),
        )


@dataclass
class _Watch:
    part: Part
    started: float = field(default_factory=time.monotonic)
    pause: float = 1.0
    retry_at: float | None = None


class Launcher:
    """A context manager that ends every child, whichever way the block is left."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._watched: dict[str, _Watch] = {}
        self._servers = EmbeddedServers(
            settings.data_dir,
            postgres=settings.database_url is None,
            valkey=settings.redis_url is None,
            valkey_max_bytes=settings.valkey_max_bytes,
            local_model=settings.local_model if settings.wants_embedded_model else None,
        )

    def start_servers(self, meanwhile: Callable[[], None]) -> Settings:
        """Start the embedded servers that are wanted; return the settings with their addresses.

        The addresses and the absolute data directory go into the environment, for the children.
        What ``meanwhile`` starts, once the data directory is ours, awaits them in a file.
        """
        data_dir = self._settings.data_dir.resolve()
        file = data_dir / "addresses.json"

        def begin() -> None:
            file.unlink(missing_ok=True)
            os.environ["NUXA_DATA_DIR"] = str(data_dir)
            os.environ[FILE_VARIABLE] = str(file)
            meanwhile()
            del os.environ[FILE_VARIABLE]

        self._servers.start(begin)
        addresses = self._servers.addresses
        if self._servers.postgres is not None:
            self._watched["PostgreSQL"] = _Watch(self._servers.postgres)
        if self._servers.valkey is not None:
            self._watched["Valkey"] = _Watch(self._servers.valkey)
        if self._servers.model is not None:
            self._watched["The local model"] = _Watch(self._servers.model)
        os.environ.update(addresses)
        announce(file, addresses)
        get_settings.cache_clear()
        self._settings = get_settings()
        return self._settings

    def start(self, name: str, *arguments: str) -> None:
        """Start ``python -m arguments…`` and keep it alive."""
        log = self._settings.data_dir / "logs" / f"{name}.log"
        process = OwnProcess(list(arguments), log)
        process.start()
        self._watched[name] = _Watch(process)

    def wait_for(
        self, what: str, holds: Callable[[], bool], seconds: float, every: float = 0.2
    ) -> None:
        """Return once ``holds()``, which is asked ``every`` so many seconds.

        Raises LaunchFailed when a process of ours ends meanwhile, TookTooLong after ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while not holds():
            for name, watch in self._watched.items():
                if not watch.part.is_alive:
                    raise LaunchFailed(f"{name} ended while starting. {_words_of(watch.part)}")
            if time.monotonic() > deadline:
                logs = self._settings.data_dir / "logs"
                raise TookTooLong(f"{what} took over {seconds:.0f} s; the reason is in {logs}.")
            time.sleep(every)

    def watch(self) -> None:
        """Start again what ends unexpectedly, with growing pauses, until interrupted."""
        while True:
            self.look_after()
            time.sleep(0.5)

    def look_after(self) -> None:
        """Look at every part once: say which one ended, start it again when its pause is over.

        Logs that have grown large are rotated.
        """
        for name, watch in self._watched.items():
            self._revive(name, watch)
        data_dir = self._settings.data_dir
        for log in (*data_dir.glob("logs/*.log"), *data_dir.glob("*/server.log")):
            rotate_log(log, _MAX_LOG_BYTES)

    def _revive(self, name: str, watch: _Watch) -> None:
        now = time.monotonic()
        if watch.part.is_alive:
            return
        if watch.retry_at is None:
            watch.pause = 1.0 if now - watch.started > _STEADY_SECONDS else watch.pause
            watch.retry_at = now + watch.pause
            self._say(f"{name} ended unexpectedly; starting it again in {watch.pause:.0f} s.")
            self._say(_words_of(watch.part))
        elif now >= watch.retry_at:
            watch.pause = min(watch.pause * 2, _LONGEST_PAUSE)
            watch.started, watch.retry_at = now, None
            try:
                watch.part.start()
            except NuxaError as error:
                self._say(f"{name} did not start: {error.message}")

    def stop(self) -> None:
        """End our processes side by side, then the servers they used."""
        end_children(self._own_processes(), signal.SIGTERM, _STOP_SECONDS)
        self._servers.stop()

    def kill(self) -> None:
        """End everything now; the servers still get to write what they must."""
        for process in self._own_processes():
            kill_session(process)
        self._servers.stop()

    def _own_processes(self) -> list[subprocess.Popen[bytes]]:
        parts = [watch.part for watch in self._watched.values()]
        return [part.process for part in parts if isinstance(part, OwnProcess) and part.process]


def _words_of(part: Part) -> str:
    if not isinstance(part, OwnProcess | EmbeddedModel):
        return ""
    return f"Its last words in {part.log}:\n{last_words(part.log)}"
