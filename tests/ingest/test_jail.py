from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ATTEMPTS = {
    "network": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "name": "import socket; socket.getaddrinfo('example.com', 80)",
    "file": "open({secret!r}).read()",
    "file by the kernel": "import ctypes; c = ctypes.CDLL(None, use_errno=True); "
    "assert c.open({secret!r}.encode(), 0) < 0; raise PermissionError",
    "written file": "open({secret!r}, 'w')",
    "program": "import subprocess; subprocess.run(['/bin/echo', 'x'], check=True)",
    "shell": "import os; os.system('true')",
    "memory": "x = bytearray(3 * 1024**3)",
}


def _in_jail(workplace: Path, code: str) -> subprocess.CompletedProcess[str]:
    program = (
        "from pathlib import Path; from ingest import jail\n"
        f"jail.enter(Path({str(workplace)!r}), 2 * 1024**3)\n{code}\nprint('done')"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TMPDIR": str(workplace)},
    )


@pytest.mark.parametrize("name", ATTEMPTS)
def test_the_jailed_process_is_refused(tmp_path: Path, name: str) -> None:
    workplace = tmp_path / "work"
    workplace.mkdir()
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    outcome = _in_jail(workplace, ATTEMPTS[name].format(secret=str(secret)))
    assert "done" not in outcome.stdout
    assert (
        "PermissionError" in outcome.stderr
        or "Refused" in outcome.stderr
        or (name == "memory" and "MemoryError" in outcome.stderr)
    )
    assert secret.read_text() == "secret"


def test_its_own_workplace_and_libraries_stay_open(tmp_path: Path) -> None:
    own = tmp_path / "a.txt"
    code = f"Path({str(own)!r}).write_text('x'); assert Path({str(own)!r}).read_text() == 'x'\n"
    code += "import PIL.Image, lxml.html, unstructured.partition.docx"
    outcome = _in_jail(tmp_path, code)
    assert "done" in outcome.stdout, outcome.stderr
