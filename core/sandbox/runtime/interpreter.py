"""Runs a user's Python with packages and files: ``interpreter.py SCRATCH PACKAGES…``.

Started by ``confine.py``, so without network and with the scratch directory alone to write in. It
imports the usual packages, says ``ready`` and takes one request. Before its code runs it gives up
all system calls but those of computing; afterwards it writes one frame behind the request's mark.
The code shares this process: whoever reads the frame checks every field.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import resource
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

_PRELOADED = ("numpy", "pandas", "matplotlib.pyplot")
_OUTPUTS = "outputs"


class _TimeUp(BaseException):
    pass


class _TooMuchPrinted(BaseException):
    pass


class _TooMuchWritten(Exception):
    pass


class _Printed(io.TextIOBase):
    """Keeps the beginning of what the code prints, and ends code that prints on and on."""

    def __init__(self, limits: dict[str, Any]) -> None:
        self._kept: list[str] = []
        self._room = limits["stdout_chars"]
        self._rest = limits["printed_chars"]

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._room > 0:
            self._kept.append(text[: self._room])
            self._room -= len(self._kept[-1])
        self._rest -= len(text)
        if self._rest < 0:
            raise _TooMuchPrinted
        return len(text)

    def text(self) -> str:
        return "".join(self._kept).encode("utf-8", "replace").decode()


def main(scratch: str, *packages: str) -> None:
    sys.path[:0] = [str(Path(__file__).parent)]
    sys.path.extend(packages)
    os.chdir(scratch)
    for name in _PRELOADED:
        import_module(name)
    # The other writer that pandas may find asks for more than the code may.
    sys.modules["pandas"].set_option("io.excel.xlsx.writer", "openpyxl")
    run_code, syscalls = import_module("run_code"), import_module("syscalls")

    loop = asyncio.new_event_loop()  # opens sockets of its own, which the code may not
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answers.write(b"ready\n")
    answers.flush()
    request = json.loads(sys.stdin.buffer.readline())
    _write_files(request["files"])
    _limit_memory(request["memory_bytes"])
    syscalls.confine()
    frame = loop.run_until_complete(_serve(run_code, request))
    answers.write(f"\n{request['mark']}{json.dumps(frame)}\n".encode())
    answers.flush()
    os._exit(0)  # what the code left to run at the end is not run


async def _serve(run_code: Any, request: dict[str, Any]) -> dict[str, Any]:
    printed = _Printed(request)
    sys.stdout = sys.stderr = printed
    signal.signal(signal.SIGALRM, _raise_time_up)
    began = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, request["timeout_ms"] / 1000)
    try:
        outcome = json.loads(await run_code.run(request["code"], request["inputs"]))
        if outcome["kind"] == "done":
            outcome["files"] = _collect_files(request)
    except _TooMuchWritten as error:
        outcome = {"kind": "output", "message": str(error)}
    except MemoryError:
        outcome = {"kind": "memory"}
    except BaseException as error:  # noqa: BLE001 - the code's last words are its outcome
        outcome = {"kind": "failed", "message": f"{type(error).__name__}: {error}"}
    signal.setitimer(signal.ITIMER_REAL, 0)
    ms = (time.monotonic() - began) * 1000
    return {**_bounded(outcome, request), "stdout": printed.text(), "ms": ms}


def _raise_time_up(*_: object) -> None:
    raise _TimeUp


def _limit_memory(memory_bytes: int) -> None:
    """Bound memory counted from what is taken now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _write_files(files: list[dict[str, str]]) -> None:
    for file in files:
        Path(file["name"]).write_bytes(base64.b64decode(file["content"]))


def _collect_files(limits: dict[str, Any]) -> list[dict[str, str]]:
    """Return what the code left in outputs/; open figures where it wrote no picture."""
    if not any(Path(_OUTPUTS).glob("*.png")):
        _save_figures(limits["output_files"])
    files: list[dict[str, str]] = []
    total = 0
    with os.scandir(_OUTPUTS) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            if not entry.is_file(follow_symlinks=False):
                raise OSError(f"outputs/{entry.name} is no regular file; write files alone there")
            total += entry.stat(follow_symlinks=False).st_size
            if len(files) == limits["output_files"] or total > limits["output_file_bytes"]:
                raise _TooMuchWritten("its files in outputs/")
            content = base64.b64encode(Path(entry.path).read_bytes()).decode()
            files.append({"name": entry.name, "content": content})
    return files


def _save_figures(most: int) -> None:
    pyplot = sys.modules["matplotlib.pyplot"]
    for number in pyplot.get_fignums()[:most]:
        pyplot.figure(number).savefig(f"{_OUTPUTS}/figure-{number}.png")


def _bounded(outcome: dict[str, Any], limits: dict[str, Any]) -> dict[str, Any]:
    kind = outcome["kind"]
    if kind == "done":
        return {"kind": kind, "json_text": outcome["json"], "files": outcome["files"]}
    message = outcome.get("message", "")
    if message.startswith(_TimeUp.__name__):
        return {"kind": "time"}
    if message.startswith(_TooMuchPrinted.__name__):
        return {"kind": "output", "message": "what it prints"}
    lines = outcome.get("traceback", [])[: limits["traceback_lines"]]
    return {
        "kind": kind,
        "message": message[: limits["message_chars"]],
        "traceback": [line[: limits["traceback_chars"]] for line in lines],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
