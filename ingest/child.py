"""The parser's process: ``python -m ingest.child``, messages of ``ingest.wire`` on its pipes.

It reads one job after the other: ``{path, name, limits, languages, first, seconds}``; answers any
number of ``{progress: [stage, done, total]}`` and then ``{document}``, ``{window}`` (of a document
that takes longer than ``seconds``; ``first`` is the page to go on with) or
``{failure: [code, message]}``, with ``memory``, its resident size in bytes, and ``cpu_seconds``,
the processor time that it has taken in all.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO, NoReturn

from ingest import jail, windows, wire
from ingest.allowance import TOO_MUCH_MEMORY, TOO_MUCH_TIME, Allowance, MemoryReader, opened_size
from ingest.document import to_wire
from ingest.failures import (
    CorruptDocument,
    DocumentTooComplex,
    ForbiddenAccess,
    ParseFailed,
    ParseMemory,
)
from ingest.limits import Limits
from ingest.read import read_part

logger = logging.getLogger("ingest.child")
_leaving = threading.Lock()
_WATCH_SECONDS = 0.5
_PROGRESS_SECONDS = 0.1


def main() -> None:
    """Serve until the parent closes the pipe or ends."""
    workplace, memory_bytes = Path(sys.argv[1]), int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    memory = MemoryReader()
    jail.enter(workplace, memory_bytes)
    threading.Thread(target=_end_with_parent, args=(workplace,), daemon=True).start()
    try:
        _send(answers, {"ready": True})
        while (job := wire.read(sys.stdin.buffer)) is not None:
            _send(answers, _answer(job, answers, memory) | _spent(memory))
    except BrokenPipeError:
        logger.warning("the parent ended while a document was parsed")
    finally:
        _leave(workplace)


def _send(answers: BinaryIO, message: wire.Message) -> None:
    data = memoryview(wire.pack(message))
    while data:
        data = data[answers.write(data) :]


def _spent(memory: MemoryReader) -> wire.Message:
    return {"memory": memory.resident(), "cpu_seconds": time.process_time()}


def _answer(job: wire.Message, answers: BinaryIO, memory: MemoryReader) -> wire.Message:
    path, limits = Path(job["path"]), Limits(**job["limits"])
    allowance = Allowance(limits, opened_size(path), memory)
    try:
        found = read_part(
            path,
            job["name"],
            limits,
            job["languages"],
            _Reporter(answers, allowance),
            job["first"],
            job["seconds"],
        )
        outcome: wire.Message = (
            {"window": windows.to_wire(found)}
            if isinstance(found, windows.Window)
            else {"document": to_wire(found)}
        )
    except ParseFailed as failed:
        is_spent = isinstance(failed, CorruptDocument) and allowance.is_spent_by_programs()
        outcome = _failure(DocumentTooComplex(TOO_MUCH_TIME) if is_spent else failed)
    except jail.Refused as refused:
        outcome = _failure(ForbiddenAccess(f"{refused} Remove that part and upload it again."))
    except MemoryError:
        outcome = _failure(ParseMemory(TOO_MUCH_MEMORY))
    except RecursionError:
        outcome = _failure(CorruptDocument("The document is nested too deeply: flatten it."))
    except Exception as error:
        if allowance.is_spent_by_programs():
            return _failure(DocumentTooComplex(TOO_MUCH_TIME))
        logger.exception("a document could not be parsed")  # a library's error about bad bytes
        outcome = _failure(
            CorruptDocument(
                f"The document is damaged ({type(error).__name__}): "
                "save it again and upload the new file."
            )
        )
    return outcome


def _failure(failed: ParseFailed) -> wire.Message:
    return {"failure": [failed.code, failed.message[: wire.MAX_FAILURE_CHARS]]}


class _Reporter:
    """Sends progress, a few times a second at most."""

    def __init__(self, answers: BinaryIO, allowance: Allowance) -> None:
        self._answers = answers
        self._allowance = allowance
        self._last = 0.0
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        self._allowance.extend(done)
        now = time.monotonic()
        if stage == self._stage and now - self._last < _PROGRESS_SECONDS and done < total:
            return
        self._last, self._stage = now, stage
        _send(self._answers, {"progress": [stage, done, total]})


def _end_with_parent(workplace: Path) -> None:
    """End this process once the parent is gone, whatever it is doing."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    _leave(workplace)


def _leave(workplace: Path) -> NoReturn:
    """Remove this process's files, then end it with the programs that it started."""
    with _leaving:  # never released: the other thread waits for the end
        shutil.rmtree(workplace, ignore_errors=True)
        os.killpg(os.getpgrp(), signal.SIGKILL)
        raise SystemExit


if __name__ == "__main__":
    main()
