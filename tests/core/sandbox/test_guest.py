"""The walls behind the names: Deno's permissions, and behind them the kernel's."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.sandbox import confine, guest
from core.sandbox.install import find_deno
from core.sandbox.limits import RUNTIME, Limits
from tests.core.sandbox.parents import is_gone, kill_parent_of_guest

_PROBE = """
const port = Number(Deno.args[0]);
const tries = {
  read: () => Deno.readTextFileSync("/etc/passwd"),
  write: () => Deno.writeTextFileSync("/tmp/nuxa-escaped", "x"),
  run: () => new Deno.Command("/bin/true").outputSync(),
  connect: () => Deno.connect({ hostname: "127.0.0.1", port }),
  listen: () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  environment: () => JSON.stringify(Deno.env.toObject()),
  signal: () => Deno.kill(Number(Deno.args[1]), "SIGTERM"),
  native: () => Deno.dlopen("/lib/x86_64-linux-gnu/libc.so.6", {}),
};
const told = {};
for (const [name, attempt] of Object.entries(tries)) {
  try { told[name] = [true, String(await attempt())]; }
  catch (error) { told[name] = [false, String(error)]; }
}
console.log(JSON.stringify(told));
"""


def _probe(command: list[str], server: socket.socket, victim: int) -> dict[str, tuple[bool, str]]:
    port = str(server.getsockname()[1])
    done = subprocess.run(
        [*command, port, str(victim)],
        env={"NO_COLOR": "1", "DENO_DIR": "/dev/null/none"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout, done.stderr
    told: dict[str, tuple[bool, str]] = json.loads(done.stdout)
    return told


@pytest.fixture
def victim() -> Iterator[int]:
    """A process that must survive."""
    child = subprocess.Popen(["sleep", "60"])
    yield child.pid
    assert child.poll() is None
    child.kill()
    child.wait()


def test_deno_refuses_all(tmp_path: Path, listener: socket.socket, victim: int) -> None:
    script = tmp_path / "probe.js"
    script.write_text(_PROBE)
    command = guest._command("javascript", Limits(), find_deno(), None)
    at = command.index(str(RUNTIME / "main.js"))
    confined = [part.replace(str(RUNTIME), f"{RUNTIME}:{tmp_path}", 1) for part in command[:7]]
    told = _probe([*confined, *command[7:at], str(script)], listener, victim)
    assert [name for name, (worked, _) in told.items() if worked] == []
    assert all("NotCapable" in error for _, error in told.values())


def test_the_kernel_refuses_what_deno_would_allow(
    tmp_path: Path, listener: socket.socket, victim: int
) -> None:
    if confine.landlock_version() < 6:
        pytest.skip("this kernel's Landlock is missing or old: Deno's permissions stand alone")
    script = tmp_path / "probe.js"
    script.write_text(_PROBE)
    deno = find_deno()
    told = _probe(
        [
            *(sys.executable, "-I", "-S", confine.__file__, str(os.getpid()), str(4 * 1024**3)),
            *(f"{deno}:{tmp_path}", str(deno), "run", "-A", str(script)),
        ],
        listener,
        victim,
    )
    worked = {name for name, (worked, _) in told.items() if worked}
    # Native code may load, but meets the same walls; the environment holds nothing of ours.
    assert worked == {"native", "environment"}
    assert "PATH" not in told["environment"][1]


def test_ends_with_its_parent() -> None:
    """A parent killed without a chance to clean up leaves no interpreter behind."""
    script = """
import asyncio, os, sys
from core.sandbox.guest import Guest
from core.sandbox.limits import Limits
from core.sandbox.install import find_deno
from tests.core.sandbox.parents import is_gone, kill_parent_of_guest
async def main():
    guest = await Guest.start("javascript", Limits(), find_deno(), None)
    print(guest._process.pid, flush=True)
    await guest.run("for (;;);", {}, 60_000)
asyncio.run(main())
"""
    assert is_gone(kill_parent_of_guest(script))
