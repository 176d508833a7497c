"""A process for a model: it outlives nothing, and its death is no end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.errors import ServiceUnavailable
from core.models.speech.child import Child


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def test_work_is_done_elsewhere_and_its_errors_come_back() -> None:
    child = Child()
    pid = await child.run(os.getpid)
    assert pid not in (os.getpid(), 0)
    assert await child.run(os.getpid) == pid
    with pytest.raises(ZeroDivisionError):
        await child.run(divmod, 1, 0)


async def test_a_killed_one_is_started_again() -> None:
    child = Child()
    pid = await child.run(os.getpid)
    os.kill(pid, signal.SIGKILL)
    assert await child.run(os.getpid) != pid
    with pytest.raises(ServiceUnavailable, match="died twice"):
        await child.run(die)
    assert await child.run(os.getpid)


async def test_the_event_loop_goes_on_meanwhile() -> None:
    work = asyncio.create_task(Child().run(time.sleep, 0.3))
    ticks = 0
    while not work.done():
        await asyncio.sleep(0.02)
        ticks += 1
    assert ticks > 10


@pytest.mark.skipif(sys.platform != "linux", reason="children end by the kernel")
def test_it_ends_with_a_killed_parent() -> None:
    code = (
        "import asyncio, os, signal\n"
        "from core.models.speech.child import Child\n"
        "if __name__ == '__main__':\n"
        "    print(asyncio.run(Child().run(os.getpid)), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    pid = int(ran.stdout)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} outlived its parent")


async def test_a_limit_of_threads_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_THREAD_LIMIT", "1")
    assert await Child().run(os.getenv, "OMP_THREAD_LIMIT") is None
