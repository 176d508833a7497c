"""One interpreter in one process: started ahead, given one piece of code, then killed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from core.errors import NuxaError, ServiceUnavailable
from core.sandbox.errors import CodeFailed, CodeTimedOut
from core.sandbox.interpreter import (
    interpreter_command,
    interpreter_environment,
    make_scratch,
    scratch_is_full,
)
from core.sandbox.limits import RUNTIME, Language, Limits
from core.sandbox.outcome import (
    SandboxFile,
    SandboxResult,
    memory_exceeded,
    output_too_large,
    read_frame,
)

_CONFINE: Final = Path(__file__).parent / "confine.py"
START_SECONDS: Final = 60.0
_CAGE_BYTES: Final = 1536 * 1024**2  # what the interpreter maps for itself, used or not
_WASM_PAGE: Final = 64 * 1024
_PYTHON_PAGES: Final = 640  # the snapshot's 30 MB and what starting takes
_OUT_OF_MEMORY: Final = b"out of memory"
_NICENESS: Final = 10  # long code leaves the processors to the service, and to guests that start
_SHORT_SECONDS: Final = 0.1
_DRAIN_BYTES: Final = 65_536
_SCRATCH_CHECK_SECONDS: Final = 0.1
_GRACE_SECONDS: Final = 0.5  # the interpreter's own clock comes first: it tells what was printed


class Guest:
    """A process that waits for the code of one run. Use: ``start``, ``run`` once, ``end``."""

    def __init__(self, process: Process, limits: Limits, scratch: Path | None = None) -> None:
        self._process = process
        self._limits = limits
        self._scratch = scratch
        self._resources = ExitStack()
        self._errors = asyncio.create_task(_last_words(process))

    @classmethod
    async def start(
        cls, language: Language, limits: Limits, deno: Path, assets: Path | None
    ) -> Guest:
        """Start an interpreter and wait until it is ready; raise ``ServiceUnavailable``."""
        environment = {"NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1", "DENO_DIR": "/dev/null/none"}
        command = _command(language, limits, deno, assets)
        process = await _spawn(command, environment, limits.frame_bytes)
        guest = cls(process, limits)
        await guest._wait_until_ready(language)
        return guest

    @classmethod
    async def start_interpreter(cls, limits: Limits) -> Guest:
        """Start Python with packages and files; else as ``start``."""
        with ExitStack() as resources:
            scratch = resources.enter_context(make_scratch())
            process = await _spawn(
                interpreter_command(limits, scratch),
                interpreter_environment(scratch),
                limits.frame_bytes_with_files,
            )
            guest = cls(process, limits, scratch)
            await guest._wait_until_ready("python")
            guest._resources = resources.pop_all()
        return guest

    async def _wait_until_ready(self, language: Language) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                ready = await self._out.readline()
        except BaseException:
            await self.end()
            raise
        if ready != b"ready\n":
            await self.end()
            raise ServiceUnavailable(
                f"The {language} interpreter did not start: {(await self._errors)[-500:]!r}. "
                "Try again; if it persists, run `make install` anew."
            )

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.returncode is None

    async def run(
        self,
        code: str,
        inputs: Mapping[str, JsonValue],
        timeout_ms: int,
        files: Sequence[SandboxFile] = (),
    ) -> SandboxResult:
        """Run ``code`` and return what it gave; raise one of ``core.sandbox.errors``."""
        mark = secrets.token_hex(16)
        request = {
            **asdict(self._limits),
            "mark": mark,
            "code": code,
            "inputs": json.dumps(inputs),
            "timeout_ms": timeout_ms,
        }
        lowering = asyncio.get_running_loop().call_later(_SHORT_SECONDS, self._lower_priority)
        try:
            async with asyncio.timeout(timeout_ms / 1000 + _GRACE_SECONDS):
                await self._send(await _encode(request, files))
                frame = await self._frame_within_scratch(mark.encode())
                if frame is None:
                    raise await self._crash()
        except TimeoutError:
            raise CodeTimedOut(
                f"The code ran longer than {timeout_ms} ms; do less, or raise timeoutMs."
            ) from None
        finally:
            lowering.cancel()
        if self._scratch is None:
            return read_frame(frame, self._limits, timeout_ms)
        return await asyncio.to_thread(read_frame, frame, self._limits, timeout_ms)

    async def end(self) -> None:
        """Kill the process and all it may have started, whatever they are doing."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        # A pipe whose reading was paused, since nobody took what came, would never see its end.
        while await self._out.read(_DRAIN_BYTES):
            pass
        await self._process.wait()
        await self._errors
        await asyncio.to_thread(self._resources.close)

    def _lower_priority(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # its answer that is missing tells of it
            os.setpriority(os.PRIO_PGRP, self._process.pid, _NICENESS)
        # That of the session counts where there is one; the kernel refuses many changes at once.
        with contextlib.suppress(OSError):
            Path(f"/proc/{self._process.pid}/autogroup").write_text(str(_NICENESS))

    async def _send(self, line: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        # A process that died meanwhile is noticed by what it does not answer.
        with contextlib.suppress(ConnectionError):
            stdin.write(line)
            await stdin.drain()

    async def _frame_within_scratch(self, mark: bytes) -> bytes | None:
        """Return the frame; raise ``CodeOutputTooLarge`` once the scratch directory is too full."""
        if self._scratch is None:
            return await self._frame(mark)
        reading = asyncio.create_task(self._frame(mark))
        try:
            while not (await asyncio.wait({reading}, timeout=_SCRATCH_CHECK_SECONDS))[0]:
                if await asyncio.to_thread(
                    scratch_is_full, self._scratch, self._process.pid, self._limits
                ):
                    raise output_too_large("the files it writes", self._limits)
            return reading.result()
        finally:
            reading.cancel()
            await asyncio.wait({reading})

    async def _frame(self, mark: bytes) -> bytes | None:
        """Return the line with our mark; other lines were written by the code past ``print``."""
        stray = 0
        try:
            while line := await self._out.readline():
                if line.startswith(mark):
                    return line[len(mark) :]
                stray += len(line)
                if stray > self._limits.printed_chars:
                    break
            else:
                return None
        except ValueError:  # a line longer than any frame
            pass
        raise output_too_large("what it prints", self._limits)

    async def _crash(self) -> NuxaError:
        """Return the error of an interpreter that ended without a word."""
        await self._process.wait()
        words = await self._errors
        if _OUT_OF_MEMORY in words:
            return memory_exceeded(self._limits)
        return CodeFailed(
            f"The interpreter ended (status {self._process.returncode}) while running the code; "
            "it may recurse too deep or take too much memory."
        )

    @property
    def _out(self) -> asyncio.StreamReader:
        assert self._process.stdout is not None
        return self._process.stdout


async def _spawn(command: Sequence[str], environment: Mapping[str, str], limit: int) -> Process:
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd="/",
        env=environment,
        start_new_session=True,
        limit=limit,
    )


async def _encode(request: dict[str, JsonValue], files: Sequence[SandboxFile]) -> bytes:
    def encode() -> bytes:
        encoded: list[JsonValue] = [
            {"name": file.name, "content": base64.b64encode(file.content).decode()}
            for file in files
        ]
        return json.dumps({**request, "files": encoded}).encode() + b"\n"

    return await asyncio.to_thread(encode) if files else encode()


def describe_missing_confinement() -> str | None:
    """Return one line on what the kernel lacks to confine code and parsers; None: nothing."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", str(_CONFINE), "--missing"],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=True,
    )
    if not done.stdout:
        return None
    return (
        f"This system lacks {' and '.join(done.stdout.split())}: code and documents are confined "
        "without it; allow it, or run the service in a container of its own."
    )


def _command(language: Language, limits: Limits, deno: Path, assets: Path | None) -> list[str]:
    heap = limits.memory_bytes // 1024**2
    pages = limits.memory_bytes // _WASM_PAGE + (_PYTHON_PAGES if language == "python" else 0)
    readable = [RUNTIME, *([assets] if assets else [])]
    return [
        *(sys.executable, "-I", "-S", str(_CONFINE)),
        *(str(os.getpid()), str(limits.memory_bytes + _CAGE_BYTES)),
        ":".join(map(str, [deno, *readable])),
        *(str(deno), "run", "--no-prompt", "--no-remote", "--no-npm", "--no-config", "--no-lock"),
        *("--cached-only", "--no-code-cache", "--deny-net", "--deny-import", "--deny-env"),
        *("--deny-write", "--deny-run", "--deny-sys", "--deny-ffi"),
        f"--v8-flags=--max-old-space-size={heap},--wasm-max-mem-pages={pages}",
        f"--allow-read={','.join(map(str, readable))}",
        *(str(RUNTIME / "main.js"), language, str(assets or "")),
    ]


async def _last_words(process: Process, most: int = 4000) -> bytes:
    """Read what the process says of itself until it ends, and keep the end of it."""
    assert process.stderr is not None
    words = b""
    while piece := await process.stderr.read(65536):
        words = (words + piece)[-most:]
    return words
