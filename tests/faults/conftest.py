"""Real processes on real servers, ended with kill -9, group and all."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from api.launch import OwnProcess
from core.config import Settings
from core.embedded.process import kill_session, last_words
from tests.walks.system import free_port

# Long enough for a heartbeat on a busy machine, short enough to wait for.
LEASE_SECONDS = 4


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.timeout(600))
            item.add_marker(
                pytest.mark.skipif(sys.platform != "linux", reason="children end by the kernel")
            )


class Crew:
    """The processes of one test, in a log file each; all are gone afterwards."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._started: list[OwnProcess] = []

    def start(self, *arguments: str) -> OwnProcess:
        """Start ``python -m arguments…``."""
        name = f"{len(self._started)}-{'-'.join(arguments[:2])}"
        process = OwnProcess(list(arguments), self._logs / f"{name}.log")
        process.start()
        self._started.append(process)
        return process

    def start_worker(self, kind: str) -> OwnProcess:
        return self.start("workers", kind, *([] if kind == "upkeep" else ["--slots", "1"]))

    def kill(self, *processes: OwnProcess) -> None:
        """Kill processes with all that is in their groups; they were alive until now."""
        for process in processes:
            assert process.process is not None
            assert process.is_alive, last_words(process.log, 3000)
            kill_session(process.process)

    def end(self) -> None:
        for process in self._started:
            if process.process is not None:
                kill_session(process.process)


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUXA_LEASE_SECONDS", str(LEASE_SECONDS))


@pytest.fixture
def crew(short_leases: None, settings: Settings, tmp_path: Path) -> Iterator[Crew]:
    """Starts processes on the test's servers and data, with short leases."""
    crew = Crew(tmp_path / "logs")
    yield crew
    crew.end()


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the API of this test will listen, each time it is started."""
    port = free_port()
    monkeypatch.setenv("NUXA_PORT", str(port))
    return f"http://127.0.0.1:{port}"


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Return once ``holds()``; the test's time limit ends what never does."""
    while not await holds():
        await asyncio.sleep(0.05)
