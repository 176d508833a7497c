"""The main job on Debian's servers: two API processes, two workers of each kind, RabbitMQ."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from core.embedded.process import last_words
from tests.external.servers import environment, postgres, rabbitmq, redis_server
from tests.walks.main_job import sign_up, walk
from tests.walks.system import ROOT, free_port

pytestmark = [pytest.mark.external, pytest.mark.timeout(1800)]
READY_SECONDS = 300
WORKERS = ("documents", "documents", "executions", "executions", "upkeep", "upkeep")


class Site:
    """Two API processes and their workers; ``urls`` are the two ways in."""

    def __init__(self, root: Path, settings: dict[str, str]) -> None:
        self._root = root
        self._settings = settings
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.urls: list[str] = []

    def start(self) -> None:
        subprocess.run(
            [sys.executable, "-m", "api", "migrate"], check=True, cwd=ROOT, env=self._settings
        )
        for number in (1, 2):
            port = free_port()
            self._start(f"api-{number}", ["api", "serve"], {"NUXA_PORT": str(port)})
            self.urls.append(f"http://127.0.0.1:{port}")
        for number, kind in enumerate(WORKERS):
            self._start(f"{kind}-{number}", ["workers", kind], {})
        for url in self.urls:
            self._wait_ready(url)

    def stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(120)

    def _start(self, name: str, arguments: list[str], more: dict[str, str]) -> None:
        with (self._root / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env={**self._settings, **more},
                stdout=log,
                stderr=log,
            )

    def _wait_ready(self, url: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not _is_ready(url):
            for name, process in self._processes.items():
                words = last_words(self._root / f"{name}.log", 3000)
                assert process.poll() is None, f"{name} ended:\n{words}"
            assert time.monotonic() < deadline, f"{url} is not ready"
            time.sleep(0.2)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/health/ready", timeout=10).status_code == http.client.OK
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="nuxa-external-") as directory, ExitStack() as stack:
        root = Path(directory)
        root.chmod(0o711)  # as root, PostgreSQL's own user walks through here
        urls = [stack.enter_context(server(root)) for server in (postgres, redis_server, rabbitmq)]
        site = Site(root, environment(*urls, root / "data"))
        stack.callback(site.stop)
        site.start()
        yield site


def test_the_main_job_through_two_processes(site: Site) -> None:
    headers = sign_up(site.urls[0], f"walk-{os.getpid()}@example.com")
    with (
        httpx.Client(base_url=site.urls[0], headers=headers, timeout=180) as first,
        httpx.Client(base_url=site.urls[1], headers=headers, timeout=180) as second,
    ):
        walk(first, second)
