"""The service as its users start it, on data of its own, and a client signed in to it."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

_READY_SECONDS: Final = 180
_REST_SECONDS: Final = 120
_LAST_LINE: Final = b"/api/copilot/"  # of what a first start says: its sample has been read


class StartFailed(RuntimeError):
    """The service did not become ready; its own words are in the log named in the message."""


@dataclass(frozen=True)
class System:
    """A running service: a client with a key of a workspace without limits, and its processes."""

    client: httpx.AsyncClient
    launcher: int  # process id
    seconds_to_live: float
    seconds_to_ready: float
    log: Path

    def memory(self) -> dict[str, int]:
        """Return the resident bytes of each process of the service, by a readable name."""
        return {f"{name} ({pid})": resident(pid) for pid, name in _tree(self.launcher)}

    async def rest(self) -> None:
        """Wait until the sample of the first start, one of it a scan, has been read.

        It would be read beside what is measured. Raises :class:`StartFailed` after two minutes.
        """
        for _ in range(_REST_SECONDS):
            if _LAST_LINE in self.log.read_bytes():
                return
            await asyncio.sleep(1)
        raise StartFailed("The service did not read the documents of its sample.")

    def processor_seconds(self) -> dict[str, float]:
        """Return the user and system seconds of each process of the service, as ``memory`` does."""
        return {f"{name} ({pid})": spent(pid) for pid, name in _tree(self.launcher)}


@asynccontextmanager
async def running(environment: dict[str, str]) -> AsyncIterator[System]:
    """Start the service with extra settings and stop it at the end.

    Raises :class:`StartFailed` when it is not ready in three minutes.
    """
    with tempfile.TemporaryDirectory(prefix="nuxa-bench-") as directory:
        Path(directory).chmod(0o711)  # PostgreSQL's own user walks through here
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        settings = {
            "NUXA_DATA_DIR": directory,
            "NUXA_PORT": str(port),
            "NUXA_DEFAULT_PLAN": "enterprise",
            **environment,
        }
        log = Path(directory) / "bench.log"
        started = time.monotonic()
        process = await _launch(settings, log)
        try:
            async with httpx.AsyncClient(base_url=url, timeout=120) as client:
                live = await answers(client, "/api/health/live", started, process, log)
                ready = await answers(client, "/api/health/ready", started, process, log)
                await _sign_in(client)
                yield System(client, process.pid, live, ready, log)
        finally:
            await stop(process)


async def _launch(settings: dict[str, str], log: Path) -> asyncio.subprocess.Process:
    with log.open("wb") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "api", "run",
            env={**os.environ, **settings},
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip


async def answers(
    client: httpx.AsyncClient,
    path: str,
    started: float,
    process: asyncio.subprocess.Process,
    log: Path,
) -> float:
    """Return the seconds from ``started`` (monotonic) until a path was answered with 200; raises
    :class:`StartFailed` with the end of the log after three minutes, or when the process ends."""
    while time.monotonic() - started < _READY_SECONDS and process.returncode is None:
        try:
            if (await client.get(path)).status_code == 200:
                return time.monotonic() - started
        except httpx.TransportError:
            pass  # not listening yet
        await asyncio.sleep(0.05)
    words = log.read_text(errors="replace")[-4000:]
    raise StartFailed(f"Nobody answered {path}. The end of its log:\n{words}")


async def _sign_in(client: httpx.AsyncClient) -> None:
    email = f"bench-{secrets.token_hex(4)}@example.com"  # services of one run share a database
    account = {"email": email, "password": "a long bench password", "name": "Bench"}
    (await client.post("/api/auth/signup", json=account)).raise_for_status()
    made = await client.post("/api/auth/api-keys", json={"name": "bench"})
    made.raise_for_status()
    client.cookies.clear()
    client.headers["x-api-key"] = made.json()["key"]


async def stop(process: asyncio.subprocess.Process) -> None:
    """End a process as Ctrl-C does; after half a minute by force."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), 30)
    except TimeoutError:
        process.kill()
        await process.wait()


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tree(root: int) -> list[tuple[int, str]]:
    """Return the processes below ``root`` with the words that tell them apart."""
    parents, names = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
        names[int(entry.name)] = command.strip()
    found = []
    for pid in sorted(parents):
        ancestor = pid
        while ancestor not in (0, root):
            ancestor = parents.get(ancestor, 0)
        if ancestor == root:
            found.append((pid, names[pid]))
    return found


def resident(pid: int) -> int:
    """Return the resident bytes of a process, 0 where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def spent(pid: int) -> float:
    """Return the processor seconds that a process has taken, 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
