"""The process that holds a local chat model's weights, for every process that asks it."""

from __future__ import annotations

import contextlib
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from core.embedded.process import end_children, end_leftover, remembered_port, spawn

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
        """Where OpenAI's API is spoken."""
        return f"http://127.0.0.1:{(self._home / 'port').read_text().strip()}/v1"

    @property
    def key(self) -> str:
        return (self._home / "key").read_text().strip()

    @property
    def is_alive(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def start(self) -> None:
        """End a leftover and start; whoever asks before the weights are loaded waits there."""
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

    def stop(self) -> None:
        """End it; nothing happens when it does not run."""
        if self._server is not None:
            end_children([self._server], signal.SIGTERM, _STOP_SECONDS)
            self._server = None
