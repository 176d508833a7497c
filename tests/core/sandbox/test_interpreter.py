"""Python with packages and files, in the real confined interpreter."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.config import Settings, get_settings
from core.errors import NuxaError, ValidationFailed
from core.sandbox import interpreter as interpreter_module
from core.sandbox.errors import (
    CodeFailed,
    CodeMemoryExceeded,
    CodeOutputTooLarge,
    CodeTimedOut,
    LanguageUnavailable,
)
from core.sandbox.guest import describe_missing_confinement
from core.sandbox.interpreter import make_scratch, needs_interpreter, require_interpreter
from core.sandbox.limits import Limits
from core.sandbox.outcome import SandboxFile, SandboxResult
from core.sandbox.pool import Sandbox

LIMITS = Limits(
    memory_bytes=128 * 1024**2,
    output_files=3,
    output_file_bytes=200_000,
    scratch_bytes=8 * 1024**2,
    scratch_files=50,
    stdout_chars=1_000,
    printed_chars=100_000,
)
SALES = SandboxFile("sales.csv", b"region,amount\nnorth,3\nsouth,4\n")
TIMEOUT_MS = 60_000

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
    "environment of the parent": "open(f'/proc/{os.getppid()}/environ').read()",
    "memory of the parent": "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
    "command of the parent": "open(f'/proc/{os.getppid()}/cmdline').read()",
    "own memory": "open('/proc/self/mem', 'r+b')",
    "signal": "os.kill(os.getppid(), 0)",
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
    "tracing": "native(101, 16, os.getppid(), 0, 0)",
    "end with the parent": "native(157, 1, 0, 0, 0, 0)",
    "memory file": "native(319, b'x', 0)",
    "asynchronous calls": "native(425, 1, 0)",
    "handle of a file": "native(304, -100, b'x' * 64, 0)",
    "calls of 32 bits": "native(0x40000000 | 39)",
    "raised limits": "import resource as r; r.setrlimit(r.RLIMIT_AS, (-1, -1))",
}
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


@pytest.fixture(scope="module")
async def interpreter() -> AsyncIterator[Sandbox]:
    try:
        require_interpreter(get_settings())
    except LanguageUnavailable as error:
        pytest.skip(error.message)
    sandbox = Sandbox(get_settings(), LIMITS)
    yield sandbox
    await sandbox.close()


async def run(sandbox: Sandbox, code: str, *files: SandboxFile) -> SandboxResult:
    return await sandbox.run(code, "python", {}, TIMEOUT_MS, files=files, with_files=True)


async def test_interpreter_given_csv_reads_it_with_pandas(interpreter: Sandbox) -> None:
    code = "import pandas as pd\npd.read_csv('sales.csv').groupby('region').amount.sum().to_dict()"
    assert (await run(interpreter, code, SALES)).result == {"north": 3, "south": 4}


async def test_interpreter_with_chart_returns_png(interpreter: Sandbox) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.savefig('outputs/chart.png')"
    (chart,) = (await run(interpreter, code)).files
    assert chart.name == "chart.png"
    assert chart.content.startswith(b"\x89PNG\r\n\x1a\n")


async def test_interpreter_with_open_figure_returns_it_as_png(interpreter: Sandbox) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()"
    assert [file.name for file in (await run(interpreter, code)).files] == ["figure-1.png"]


async def test_interpreter_with_numpy_values_returns_json(interpreter: Sandbox) -> None:
    code = "import numpy as np, pandas as pd\n[np.arange(3), np.int64(4), pd.DataFrame({'a': [1]})]"
    assert (await run(interpreter, code)).result == [[0, 1, 2], 4, [{"a": 1}]]


async def test_interpreter_given_escapes_refuses_all(
    interpreter: Sandbox, listener: socket.socket
) -> None:
    places = {
        "PORT": str(listener.getsockname()[1]),
        "HOST_FILE": __file__,
        "DATA": str(get_settings().data_dir.resolve()),
    }
    attacks = dict(ESCAPES)
    for name, place in places.items():
        attacks = {key: code.replace(name, place) for key, code in attacks.items()}
    told = await interpreter.run(
        ATTACKS, "python", {"attacks": attacks}, TIMEOUT_MS, with_files=True
    )
    can_mount = describe_missing_confinement() is None
    # Where the kernel allows no mounts, that a file is there can be seen.
    assert set(told.result) <= (
        set() if can_mount else {"directory of the host", "file of the host"}
    )
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
        ("open('large', 'wb').write(b'x' * (9 * 1024**2))", CodeFailed),
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
    interpreter: Sandbox, code: str, error: type[NuxaError]
) -> None:
    with pytest.raises(error):
        await run(interpreter, code)


@pytest.mark.parametrize(
    "code", ["while True: pass", "import numpy as np\nwhile True: np.ones(10**6).sum()"]
)
async def test_interpreter_out_of_time_ends(interpreter: Sandbox, code: str) -> None:
    with pytest.raises(CodeTimedOut):
        await interpreter.run(code, "python", {}, 1_000, with_files=True)


async def test_interpreter_multiplying_matrices_uses_one_thread(interpreter: Sandbox) -> None:
    code = "import numpy as np, os\na = np.ones((500, 500)) @ np.ones((500, 500))\n"
    told = await run(interpreter, code + "len(os.listdir('/proc/self/task'))")
    assert told.result == 1


async def test_interpreter_with_data_frame_writes_excel(interpreter: Sandbox) -> None:
    code = """
import os, tempfile
import pandas as pd
os.makedirs("outputs", exist_ok=True)
with tempfile.TemporaryFile() as file:
    file.write(b"1")
pd.DataFrame({"a": [1]}).to_excel("outputs/a.xlsx")
int(pd.read_excel("outputs/a.xlsx").a.sum())
"""
    told = await run(interpreter, code)
    assert (told.result, [file.name for file in told.files]) == (1, ["a.xlsx"])


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
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    parent.kill()
    parent.wait()
    gone = threading.Event()
    for _ in range(500):
        if is_gone(pid):
            break
        gone.wait(0.02)
    assert is_gone(pid)


def is_gone(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


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


@pytest.mark.parametrize("name", ["../a.csv", "a/b.csv", ".hidden", "", "outputs"])
async def test_sandbox_given_file_with_odd_name_refuses(interpreter: Sandbox, name: str) -> None:
    with pytest.raises((CodeFailed, ValidationFailed)):
        await run(interpreter, "1", SandboxFile(name, b"x"))


async def test_sandbox_with_packages_switched_off_says_so() -> None:
    sandbox = Sandbox(Settings(python_packages=False))
    with pytest.raises(LanguageUnavailable, match="NUXA_PYTHON_PACKAGES"):
        await sandbox.run("import numpy", "python", {})


async def test_sandbox_without_packages_names_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter_module, "PACKAGES", ("numpy", "not-a-package"))
    with pytest.raises(LanguageUnavailable, match="make interpreter") as caught:
        await Sandbox(get_settings()).run("import numpy", "python", {})
    assert "not-a-package" in caught.value.message
    assert len(caught.value.message) <= 160


async def test_sandbox_on_kernel_without_landlock_refuses_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interpreter_module, "landlock_version", lambda: 0)
    with pytest.raises(LanguageUnavailable, match="Landlock"):
        await Sandbox(get_settings()).run("import numpy", "python", {})


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import numpy as np", True),
        ("from matplotlib import pyplot", True),
        ("def f():\n    import pandas.api", True),
        ("open('outputs/a.csv', 'w')", True),
        ("import json", False),
        ("import json; import scipy.stats", True),
        ("# import numpy", False),
        ("important = numpy = 1", False),
        ("import " + "a," * 99_000, False),
    ],
)
def test_needs_interpreter_by_code(code: str, expected: bool) -> None:
    assert needs_interpreter(code) is expected
