"""What only the person at the terminal may read: it is in no log.

The processes of a development run write to log files. The launcher lends them its terminal.
"""

from __future__ import annotations

import os
import sys
from typing import Final

_VARIABLE: Final = "NUXA_TERMINAL_FD"


def share() -> tuple[int, ...]:
    """Return what a child process is to inherit so that ``show`` works there."""
    if _VARIABLE not in os.environ and sys.stdout is not None and sys.stdout.isatty():
        os.environ[_VARIABLE] = str(os.dup(sys.stdout.fileno()))
    named = os.environ.get(_VARIABLE)
    return (int(named),) if named else ()


def show(text: str) -> bool:
    """Write a line to the terminal; return whether there is one."""
    descriptor = int(os.environ.get(_VARIABLE, "2"))
    if not os.isatty(descriptor):
        return False
    os.write(descriptor, f"{text}\n".encode())
    return True
