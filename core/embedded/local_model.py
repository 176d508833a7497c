"""llama.cpp's server with a local chat model, for every process that asks it."""

from __future__ import annotations

import contextlib
import http.client
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from core.embedded.process import (
    end_children,
    end_leftover,
    remembered_port,
    spawn,
    wait_ready,
)

_LOAD_SECONDS: Final = 300
_STOP_SECONDS: Final = 8
_MODULE: Final = "core.models.local.server"


class EmbeddedModel:
    """``python -m core.models.local.server`` on ``home``, which keeps its key, port and log."""

    def __init__(self, home: Path, model: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._home, self._model = home.resolve(), model
        self._home.chmod(0o700)
        self._server: subprocess.Popen[bytes] | None = None
        self.log = self._home / "server.log"

    @property
    def url(self) -> str:
        """Base URL of its OpenAI-compatible API."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def _port(self) -> int:
        return int((self._home / "port").read_text())

    @property
    def key(self) -> str:
        return (self._home / "key").read_text().strip()

    @property
    def is_alive(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def start(self) -> None:
        """End a leftover server, start, and wait until the weights are loaded.

        Raises EmbeddedServerFailed with the end of the server's log.
        """
        pid = self._home / "pid"
        with contextlib.suppress(FileNotFoundError, ValueError):
            end_leftover(int(pid.read_text()), str(self._home), signal.SIGTERM)
        remembered_port(self._home / "port")
        key = self._home / "key"
        if not key.exists() or not key.read_text().strip():
            key.touch(mode=0o600)
            key.write_text(secrets.token_urlsafe(32))
        command: list[str | Path] = [sys.executable, "-m", _MODULE, self._home, self._model]
        self._server = spawn(command, self.log, death_signal=signal.SIGKILL, directory=Path.cwd())
        pid.write_text(f"{self._server.pid}\n")
        wait_ready(self._server, self._is_ready, self.log, _LOAD_SECONDS)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """End it; nothing happens when it does not run."""
        if self._server is not None:
            end_children([self._server], signal.SIGTERM, _STOP_SECONDS)
            self._server = None
