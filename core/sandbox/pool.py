"""The sandbox: runs users' JavaScript and Python, each run in a fresh process started ahead."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from core.config import Settings
from core.errors import NuxaError, ValidationFailed
from core.fair_limiter import FairLimiter
from core.sandbox.errors import CodeTimedOut
from core.sandbox.guest import Guest
from core.sandbox.install import find_deno, find_pyodide
from core.sandbox.interpreter import needs_interpreter, require_interpreter
from core.sandbox.limits import (
    DEFAULT_TIMEOUT_MS,
    MAX_TIMEOUT_MS,
    RUNTIMES,
    Language,
    Limits,
    Runtime,
)
from core.sandbox.outcome import SandboxFile, SandboxResult, check_name

_IDLE_SECONDS: Final = 600.0
_SPARES: Final[Mapping[Runtime, int]] = {"javascript": 2, "python": 1, "interpreter": 1}


class Sandbox:
    """Runs code for one event loop. Nothing starts before the first run or ``warm``.

    ``concurrent`` runs execute at once, shared fairly by workspaces; one is kept for a workspace
    that runs nothing. Waiting counts against a run's own time. Spares that nobody used for ten
    minutes are ended.
    """

    def __init__(
        self, settings: Settings, limits: Limits | None = None, concurrent: int = 4
    ) -> None:
        self._settings = settings
        self._limits = limits or Limits()
        self._slots = FairLimiter(concurrent, reserved=1 if concurrent > 1 else 0)
        self._spares: dict[Runtime, list[asyncio.Task[Guest]]] = {name: [] for name in RUNTIMES}
        self._idle: dict[Runtime, asyncio.TimerHandle] = {}
        self._endings: set[asyncio.Task[None]] = set()

    async def run(
        self,
        code: str,
        language: Language,
        inputs: Mapping[str, JsonValue],
        timeout_ms: int = DEFAULT_TIMEOUT_MS,
        *,
        workspace_id: str = "",
        files: Sequence[SandboxFile] = (),
        with_files: bool = False,
    ) -> SandboxResult:
        """Run ``code`` with ``inputs`` as variables (and all of them in ``inputs``).

        JavaScript is the body of an async function: ``return`` gives the result. In Python it is
        what a top-level ``return`` returns, or ``main(...)`` called with the inputs it names, or
        the variable ``result``, or the value of a last line that is an expression. The result is
        JSON. Python that imports NumPy and its kind, is given ``files`` or runs ``with_files`` runs
        in the interpreter: it reads them in its directory, and what it leaves in ``outputs/`` comes
        back. Raises the errors of ``core.sandbox.errors``, ``ValidationFailed`` for inputs or code
        over the limits, and ``QueueTimedOut`` when its time ran out before it began. Cancelling
        kills the run.
        """
        self._check(code, inputs, timeout_ms)
        runtime = self._select_runtime(code, language, with_files or bool(files))
        check_input_files(files, self._limits)
        began = time.monotonic()
        async with self._slots.slot(workspace_id, timeout_ms / 1000):
            waited_ms = round((time.monotonic() - began) * 1000)
            # Spares are for a workspace's first code: many at once would leave the others none.
            is_first = self._slots.count_held(workspace_id) == 1
            guest = await (self._take(runtime) if is_first else self._start(runtime))
            try:
                return await guest.run(code, inputs, max(1, timeout_ms - waited_ms), files)
            except CodeTimedOut as error:
                if not waited_ms:
                    raise
                raise CodeTimedOut(
                    f"The code waited {waited_ms} of its {timeout_ms} ms for a slot and ran longer "
                    "than the rest; try again, or raise timeoutMs.",
                    error.details,
                ) from error
            finally:
                await guest.end()

    async def warm(self, language: Runtime) -> None:
        """Start the spares of a language and wait for them, so that the first run is quick too."""
        self._refill(language)
        await asyncio.gather(*self._spares[language])

    async def close(self) -> None:
        """End every spare; running code is ended by cancelling its ``run``."""
        for language in RUNTIMES:
            self._drop(language)
        await asyncio.gather(*self._endings)

    def _check(self, code: str, inputs: Mapping[str, JsonValue], timeout_ms: int) -> None:
        if not 0 < timeout_ms <= MAX_TIMEOUT_MS:
            raise ValidationFailed(f"timeoutMs must be from 1 to {MAX_TIMEOUT_MS}.")
        if len(code) > self._limits.code_chars:
            raise ValidationFailed(f"The code exceeds {self._limits.code_chars} characters.")
        try:
            size = len(json.dumps(inputs, allow_nan=False))
        except ValueError as error:
            raise ValidationFailed(f"The code's inputs are not JSON: {error}.") from error
        if size > self._limits.inputs_chars:
            raise ValidationFailed(
                f"The code's inputs exceed {self._limits.inputs_chars} characters of JSON; "
                "refer to smaller parts of the values."
            )

    def _select_runtime(self, code: str, language: Language, with_files: bool) -> Runtime:
        if language == "python" and (with_files or needs_interpreter(code)):
            require_interpreter(self._settings)
            return "interpreter"
        if with_files:
            raise ValidationFailed("Only Python takes files; set the language to python.")
        return language

    async def _take(self, language: Runtime) -> Guest:
        while self._spares[language]:
            spare = self._spares[language].pop(0)
            try:
                guest = await asyncio.shield(spare)
            except asyncio.CancelledError:
                self._spares[language].append(spare)
                raise
            if guest.is_alive:
                self._refill(language)
                return guest
        guest = await self._start(language)
        self._refill(language)
        return guest

    def _refill(self, language: Runtime) -> None:
        spares = self._spares[language]
        while len(spares) < _SPARES[language]:
            spares.append(asyncio.create_task(self._start(language)))
        if language in self._idle:
            self._idle[language].cancel()
        loop = asyncio.get_running_loop()
        self._idle[language] = loop.call_later(_IDLE_SECONDS, self._drop, language)

    def _drop(self, language: Runtime) -> None:
        timer = self._idle.pop(language, None)
        if timer is not None:
            timer.cancel()
        while self._spares[language]:
            ending = asyncio.create_task(_end(self._spares[language].pop()))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)

    async def _start(self, language: Runtime) -> Guest:
        if language == "interpreter":
            return await Guest.start_interpreter(self._limits)
        deno = find_deno()
        if language == "javascript":
            return await Guest.start(language, self._limits, deno, None)
        return await Guest.start(language, self._limits, deno, find_pyodide(self._settings))


async def _end(spare: asyncio.Task[Guest]) -> None:
    spare.cancel()
    # One that failed to start has left nothing to end; the next run says why.
    with contextlib.suppress(asyncio.CancelledError, NuxaError):
        await (await spare).end()


def check_input_files(files: Sequence[SandboxFile], limits: Limits) -> None:
    """Raise ``ValidationFailed`` for too many, too large, or ill-named files."""
    size = sum(len(file.content) for file in files)
    if len(files) > limits.input_files or size > limits.input_file_bytes:
        raise ValidationFailed(
            f"Code takes at most {limits.input_files} files of {limits.input_file_bytes} bytes in "
            "all; give it fewer or smaller ones."
        )
    names = [file.name for file in files]
    if len(set(names)) < len(names):
        raise ValidationFailed("Two of the files have the same name; rename one of them.")
    for name in names:
        check_name(name)
        if name == "outputs":
            raise ValidationFailed("A file cannot be named outputs; rename it.")
