"""Kills processes that have guests, to see what becomes of these."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path


def is_gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def kill_parent_of_guest(script: str) -> int:
    """Run a script that prints its guest's process id, kill it, and return that id at its end."""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    parent.kill()
    parent.wait()
    for _ in range(500):
        if is_gone(pid):
            break
        time.sleep(0.02)
    return pid
