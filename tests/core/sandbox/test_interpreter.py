"""Python with packages and files, in the real confined interpreter."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.config import Settings, get_settings
from core.errors import NuxaError, ValidationFailed
from core.sandbox.errors import (
    CodeFailed,
    CodeMemoryExceeded,
    CodeOutputTooLarge,
    CodeTimedOut,
    LanguageUnavailable,
)
from core.sandbox.interpreter import needs_interpreter, require_interpreter
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
    "fork": "import os; os.fork()",
    "spawn": "import subprocess; subprocess.run(['/bin/true'])",
    "multiprocessing": "import multiprocessing as m; m.Process(target=print).start()",
    "thread": "import threading; threading.Thread(target=print).start()",
    "exec": "import os; os.execv('/bin/true', ['true'])",
    "socket": "import socket; socket.create_connection(('127.0.0.1', PORT))",
    "local socket": "import socket; socket.socket(socket.AF_UNIX)",
    "password file": "open('/etc/passwd').read()",
    "temporary directory": "import os; os.listdir('/tmp')",
    "write outside": "open('/tmp/escaped', 'w')",
    "environment of the parent": "import os; open(f'/proc/{os.getppid()}/environ').read()",
    "memory of the parent": "import os; open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
    "signal": "import os; os.kill(os.getppid(), 0)",
    "symbolic link": "import os; os.symlink('/etc/passwd', 'outputs/a.txt')",
    "hard link": "import os; os.link('/etc/passwd', 'outputs/a.txt')",
    "pipe file": "import os; os.mkfifo('outputs/a.txt')",
    "device": "import os; os.mknod('outputs/a.txt', 0o60666, 0)",
    "mode": "import os; os.chmod('/tmp', 0)",
    "packages": "import numpy; open(numpy.__file__, 'a')",
    "native call": """
import ctypes
if ctypes.CDLL(None).syscall(41, 2, 1, 0) < 0:
    raise OSError('refused')""",
    "raised limits": "import resource as r; r.setrlimit(r.RLIMIT_AS, (-1, -1))",
    "folder in outputs": "import os; os.mkdir('outputs/folder')",
}


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


@pytest.mark.parametrize("code", ESCAPES.values(), ids=ESCAPES)
async def test_interpreter_given_escape_fails(
    interpreter: Sandbox, listener: socket.socket, code: str
) -> None:
    port = str(listener.getsockname()[1])
    with pytest.raises(CodeFailed):
        await run(interpreter, code.replace("PORT", port))
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert not Path("/tmp/escaped").exists()


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


async def test_interpreter_asked_for_data_directory_finds_none(
    interpreter: Sandbox, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.key"
    secret.write_text("hush")
    pool = Sandbox(Settings(data_dir=tmp_path), LIMITS)
    try:
        with pytest.raises(CodeFailed, match=r"No such file|Permission denied"):
            await run(pool, f"open({str(secret)!r}).read()")
        if os.geteuid() == 0:
            told = await run(pool, f"import os\nos.path.exists({str(secret)!r})")
            assert told.result is False
    finally:
        await pool.close()


async def test_interpreter_run_leaves_no_scratch_behind(tmp_path: Path) -> None:
    before = set(Path(tempfile.gettempdir()).glob("nuxa-sandbox-*"))
    pool = Sandbox(get_settings(), LIMITS)
    await run(pool, "open('outputs/a.txt', 'w').write('x')")
    await pool.close()
    assert set(Path(tempfile.gettempdir()).glob("nuxa-sandbox-*")) <= before


@pytest.mark.parametrize("name", ["../a.csv", "a/b.csv", ".hidden", "", "outputs"])
async def test_sandbox_given_file_with_odd_name_refuses(interpreter: Sandbox, name: str) -> None:
    with pytest.raises((CodeFailed, ValidationFailed)):
        await run(interpreter, "1", SandboxFile(name, b"x"))


async def test_sandbox_with_packages_switched_off_says_so() -> None:
    sandbox = Sandbox(Settings(python_packages=False))
    with pytest.raises(LanguageUnavailable, match="NUXA_PYTHON_PACKAGES"):
        await sandbox.run("import numpy", "python", {})


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import numpy as np", True),
        ("from matplotlib import pyplot", True),
        ("def f():\n    import pandas.api", True),
        ("open('outputs/a.csv', 'w')", True),
        ("import json", False),
        ("# import numpy", False),
        ("import numpy as", False),
    ],
)
def test_needs_interpreter_by_code(code: str, expected: bool) -> None:
    assert needs_interpreter(code) is expected
