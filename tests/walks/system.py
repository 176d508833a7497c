"""The service as its users start it: ``python -m api run`` in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 300  # on a busy machine; nothing here is about speed


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Request:
    """One printed ``curl`` line, taken apart as a shell would."""

    url: str
    headers: dict[str, str]
    body: dict[str, Any]

    @classmethod
    def of(cls, line: str) -> Request:
        words = shlex.split(line)
        assert words[0] == "curl"
        headers = [words[i + 1] for i, word in enumerate(words) if word == "-H"]
        body = words[words.index("-d") + 1]
        url = next(word for word in words if word.startswith("http"))
        return cls(url, dict(h.split(": ", 1) for h in headers), json.loads(body))

    def send(self) -> httpx.Response:
        return httpx.post(self.url, headers=self.headers, json=self.body, timeout=120)


class System:
    """A started service on a data directory; what it prints is in ``output``."""

    def __init__(self, data_dir: Path, port: int, **settings: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log = data_dir.with_suffix(".out")
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("NUXA_")
        }
        environment |= {"NUXA_DATA_DIR": str(data_dir), "NUXA_PORT": str(port), **settings}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api", "run"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def wait_for(self, words: str) -> None:
        """Return once it printed ``words``."""
        deadline = time.monotonic() + START_SECONDS
        while words not in self.output:
            assert self.process.poll() is None, f"it ended:\n{self.output}"
            assert time.monotonic() < deadline, f"no {words!r} in:\n{self.output}"
            time.sleep(0.1)

    def requests(self) -> list[Request]:
        """Return the printed ``curl`` lines."""
        whole = self.output.replace("\\\n", " ")
        return [Request.of(line) for line in re.findall(r"^\s*(curl .*)$", whole, re.MULTILINE)]

    def descendants(self) -> list[int]:
        """Return the numbers of all processes below the launcher (Linux)."""
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    stat = (entry / "stat").read_text().rpartition(")")[2].split()
                    parents[int(entry.name)] = int(stat[1])
        below: list[int] = [self.process.pid]
        for pid in below:
            below += [child for child, parent in parents.items() if parent == pid]
        return below[1:]

    def interrupt(self) -> None:
        """Press Ctrl-C and wait for the end."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def alive(pids: list[int]) -> list[int]:
    """Return those that still run; a zombie does not."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(pid)
    return found


def wait_ended(pids: list[int]) -> None:
    deadline = time.monotonic() + 60
    while alive(pids):
        assert time.monotonic() < deadline, f"still running: {alive(pids)}"
        time.sleep(0.1)


def events(stream: httpx.Response) -> list[dict[str, Any]]:
    """Return the events of a finished SSE answer, which must end with ``[DONE]``."""
    data = [line[5:].strip() for line in stream.text.splitlines() if line.startswith("data:")]
    assert data[-1] == "[DONE]"
    return [json.loads(item) for item in data[:-1]]
