"""Install the npm clients that tests run: openai, socket.io-client, yjs, y-protocols.

    python tests/javascript/install.py

Deno fetches them at the versions and with the hashes that ``deno.lock`` holds, from the npm
registry (or the one set in .npmrc). Where they are not, the tests that need them skip and say so.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = ("deno.json", "deno.lock")
DENO = Path(sys.executable).with_name("deno")


def directory() -> Path:
    """Return where they are, or would be: named by what was asked for."""
    asked = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES))
    return Path(sys.prefix) / "share" / "nuxa" / f"socket-clients-{asked.hexdigest()[:12]}"


def is_installed() -> bool:
    return (directory() / "complete").is_file()


def install() -> None:
    """Fetch them unless they are there; raises ``CalledProcessError``."""
    if is_installed():
        return
    target = directory()
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in FILES:
        shutil.copy(HERE / name, target)
    environment = {"DENO_DIR": str(target / "cache"), "NO_COLOR": "1", **os.environ}
    command = [str(DENO), "install", "--frozen", "--quiet"]
    subprocess.run(command, cwd=target, env=environment, check=True, timeout=300)
    shutil.rmtree(target / "cache", ignore_errors=True)
    (target / "complete").touch()


if __name__ == "__main__":
    install()
    print(f"the npm clients are in {directory()}")
