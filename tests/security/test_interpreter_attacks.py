"""Python with packages attacks the machine, the service and its neighbours; all is refused."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest

from core.config import get_settings
from core.errors import NuxaError
from core.sandbox import guest
from core.sandbox.errors import (
    CodeFailed,
    CodeMemoryExceeded,
    CodeOutputTooLarge,
    CodeTimedOut,
)
from core.sandbox.interpreter import make_scratch
from core.sandbox.pool import Sandbox
from tests.core.sandbox.conftest import INTERPRETER_LIMITS as LIMITS
from tests.core.sandbox.interpreting import TIMEOUT_MS, run
from tests.core.sandbox.parents import is_gone, kill_parent_of_guest

ESCAPES = {
    "fork": "os.fork()",
    "vfork": "os.posix_spawn('/bin/true', ['true'], {})",
    "spawn": "import subprocess; subprocess.run(['/bin/true'])",
    "multiprocessing": "import multiprocessing as m; m.Process(target=print).start()",
    "thread": "import threading; threading.Thread(target=print).start()",
    "exec": "os.execv(sys.executable, ['python'])",
    "socket": "import socket; socket.create_connection(('127.0.0.1', PORT))",
    "local socket": "import socket; socket.socket(socket.AF_UNIX)",
    "name look-up": "import socket; socket.getaddrinfo('example.com', 80)",
    "password file": "open('/etc/passwd').read()",
    "directory of the host": "os.stat('/var')",
    "file of the host": "os.stat('HOST_FILE')",
    "code of the service": "open('HOST_FILE').read()",
    "data directory": "os.listdir('DATA')",
    "temporary directory": "os.listdir('/tmp')",
    "directory above": "os.listdir('..')",
    "old root": "open('/proc/self/root/etc/passwd')",
    "old directory": "os.chdir('/proc/1/cwd')",
    "write outside": "open('/tmp/escaped', 'w')",
    "write in the library": "open(os.__file__, 'a')",
    "write in a package": "import numpy; open(numpy.__file__, 'a')",
    "environment of the parent": "open('/proc/PARENT/environ').read()",
    "memory of the parent": "open('/proc/PARENT/mem', 'rb').read(1)",
    "command of the parent": "open('/proc/PARENT/cmdline').read()",
    "own memory": "open('/proc/self/mem', 'r+b')",
    "signal": "os.kill(PARENT, 0)",
    "priority": "os.setpriority(os.PRIO_PROCESS, 0, 0)",
    "symbolic link": "os.symlink('/etc/passwd', 'outputs/a.txt')",
    "hard link": "os.link('/etc/passwd', 'outputs/a.txt')",
    "pipe file": "os.mkfifo('outputs/a.txt')",
    "device": "os.mknod('outputs/a.txt', 0o60666, 0)",
    "folder": "os.mkdir('outputs/folder')",
    "renamed folder": "os.rename('outputs', 'other')",
    "times of a file": "os.utime(os.__file__)",
    "mode": "os.chmod('outputs', 0o777)",
    "mount": "native(165, b'none', b'/', b'tmpfs', 0, 0)",
    "name space": "native(272, 0x10000000)",
    "native socket": "native(41, 2, 1, 0)",
    "tracing": "native(101, 16, PARENT, 0, 0)",
    "end with the parent": "native(157, 1, 0, 0, 0, 0)",
    "memory file": "native(319, b'x', 0)",
    "asynchronous calls": "native(425, 1, 0)",
    "handle of a file": "native(304, -100, b'x' * 64, 0)",
    "calls of 32 bits": "native(0x40000000 | 39)",
    "raised limits": "import resource as r; r.setrlimit(r.RLIMIT_AS, (-1, -1))",
}
VISIBLE = {"directory of the host", "file of the host"}
ATTACKS = """
import ctypes, os, sys
def native(*arguments):
    if ctypes.CDLL(None, use_errno=True).syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), 'refused')
result = []
for name, attack in attacks.items():
    try:
        exec(attack)
        result.append(name)
    except (OSError, ValueError, RuntimeError):
        pass
"""


@pytest.mark.parametrize("is_mounting", [True, False], ids=["empty root", "root of the host"])
async def test_interpreter_given_escapes_refuses_all(
    interpreter: Sandbox,
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    is_mounting: bool,
) -> None:
    if not is_mounting:
        command = guest.interpreter_command
        monkeypatch.setattr(
            guest,
            "interpreter_command",
            lambda *given: [part for part in command(*given) if not part.startswith("--root=")],
        )
    pool = Sandbox(get_settings(), LIMITS)
    places = {
        "PORT": str(listener.getsockname()[1]),
        "HOST_FILE": __file__,
        "DATA": str(get_settings().data_dir.resolve()),
        "PARENT": str(os.getpid()),
    }
    attacks = dict(ESCAPES)
    for name, place in places.items():
        attacks = {key: code.replace(name, place) for key, code in attacks.items()}
    try:
        told = await pool.run(ATTACKS, "python", {"attacks": attacks}, TIMEOUT_MS, with_files=True)
    finally:
        await pool.close()
    # Where the kernel allows no mounts, that a file is there can be seen, but nothing of it.
    may_mount = is_mounting and guest.describe_missing_confinement() is None
    assert set(told.result) <= (set() if may_mount else VISIBLE)
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert not Path("/tmp/escaped").exists()


async def test_interpreter_asked_for_environment_tells_nothing_of_the_service(
    interpreter: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUXA_SECRET_KEY", "hush")
    pool = Sandbox(get_settings(), LIMITS)
    code = "import os\n[dict(os.environ), open('/proc/self/environ').read()]"
    try:
        environment, raw = (await run(pool, code)).result
    finally:
        await pool.close()
    assert "hush" not in raw
    assert not [name for name in environment if "NUXA" in name or name == "PATH"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import numpy as np\nnp.ones(10**9)", CodeMemoryExceeded),
        ("import numpy as np\na = []\nwhile True: a.append(np.ones(10**5))", CodeMemoryExceeded),
        ("open('outputs/a.txt', 'w').write('x' * 300_000)", CodeOutputTooLarge),
        ("for i in range(4): open(f'outputs/{i}.txt', 'w')", CodeOutputTooLarge),
        ("while True: print('x' * 1000)", CodeOutputTooLarge),
        # The limit of a file or the look at all files comes first.
        ("open('large', 'wb').write(b'x' * (9 * 1024**2))", (CodeFailed, CodeOutputTooLarge)),
        (
            "import time\nfor i in range(20): open(f'{i}', 'wb').write(b'x' * 10**6)\n"
            "while True: time.sleep(1)",
            CodeOutputTooLarge,
        ),
        (
            "import os, time\nkept = []\nfor i in range(20):\n    kept.append(open('x', 'wb'))\n"
            "    kept[-1].write(b'x' * 10**6)\n    kept[-1].flush()\n    os.remove('x')\n"
            "while True: time.sleep(1)",
            CodeOutputTooLarge,
        ),
        (
            "import os, time\nkept = []\nfor i in range(20):\n"
            "    kept.append(os.open('.', os.O_TMPFILE | os.O_RDWR))\n"
            "    os.write(kept[-1], b'x' * 10**6)\nwhile True: time.sleep(1)",
            CodeOutputTooLarge,
        ),
        (
            "import os\nfor i in range(1_500):\n    os.mkdir('d')\n    os.chdir('d')",
            CodeFailed,
        ),
        (
            "import time\nfor i in range(99): open(f'{i}', 'w')\nwhile True: time.sleep(1)",
            CodeOutputTooLarge,
        ),
    ],
)
async def test_interpreter_given_bomb_ends_with_its_error(
    interpreter: Sandbox, code: str, error: type[NuxaError] | tuple[type[NuxaError], ...]
) -> None:
    with pytest.raises(error):
        await run(interpreter, code)


@pytest.mark.parametrize(
    "code", ["while True: pass", "import numpy as np\nwhile True: np.ones(10**6).sum()"]
)
async def test_interpreter_out_of_time_ends(interpreter: Sandbox, code: str) -> None:
    with pytest.raises(CodeTimedOut):
        await interpreter.run(code, "python", {}, 1_000, with_files=True)


def test_interpreter_whose_parent_is_killed_ends(interpreter: Sandbox) -> None:
    script = """
import asyncio
from core.sandbox.guest import Guest
from core.sandbox.limits import Limits
async def main():
    guest = await Guest.start_interpreter(Limits())
    print(guest._process.pid, flush=True)
    await guest.run("while True: pass", {}, 60_000)
asyncio.run(main())
"""
    assert is_gone(kill_parent_of_guest(script))


async def test_interpreter_run_leaves_no_scratch_behind(tmp_path: Path) -> None:
    before = set(Path(tempfile.gettempdir()).glob("nuxa-sandbox-*"))
    pool = Sandbox(get_settings(), LIMITS)
    await run(pool, "open('outputs/a.txt', 'w').write('x')")
    await pool.close()
    assert set(Path(tempfile.gettempdir()).glob("nuxa-sandbox-*")) <= before


def test_make_scratch_removes_what_killed_services_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left, other = tmp_path / "nuxa-sandbox-left", tmp_path / "other"
    with make_scratch() as used:
        for path in (left, other):
            path.mkdir()
        for path in (left, other, used.parent):
            os.utime(path, (0, 0))
        with make_scratch():
            assert (left.exists(), other.exists(), used.exists()) == (False, True, True)
