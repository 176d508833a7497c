"""Parse documents in a child process that can be killed, from an event loop."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath

from core.errors import NotFound
from ingest import libreoffice, windows, wire
from ingest.allowance import TOO_MUCH_MEMORY, TOO_MUCH_TIME
from ingest.decode import looks_like_text
from ingest.document import ParsedDocument, from_wire
from ingest.failures import (
    DocumentTooComplex,
    ParseFailed,
    ParseMemory,
    ParserCrashed,
    ParseTimeout,
    failure,
)
from ingest.formats import FORMATS
from ingest.limits import MEGABYTE, Limits, Ocr
from ingest.parser_slots import ParserSlots
from ingest.read import finished, read_document
from ingest.sniff import sniff
from ingest.windows import Window

OnProgress = Callable[[str, int, int], None]
_How = tuple[Path, str, Limits, str]  # a file, its name, limits and Tesseract languages

_DOCUMENTS_PER_CHILD = 200
_MEMORY_TO_KEEP = 1200 * MEGABYTE
_CPU_SECONDS_PER_CHILD = 120  # programs that it starts may take as much beyond their own limit
_START_SECONDS = 60
_WINDOW_SECONDS = 2.0  # that a document is read before others get their turn
_READ_HERE_BYTES = MEGABYTE // 4
_HEAD_BYTES = 4096
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TESSDATA_PREFIX")


class Parser:
    """Children that read a document at a time each, long ones in windows of pages.

    One is kept warm; the other serves workspaces that come while the first is taken, and ends with
    its document. A child that was killed, ended by itself, grew large or has parsed its share is
    replaced. ``languages`` are Tesseract's, joined by ``+``.
    """

    def __init__(self, limits: Limits | None = None, languages: str = "eng") -> None:
        self._limits = limits or Limits()
        self._languages = languages
        self._kept = _Slot(is_kept=True)
        self._all = (self._kept, _Slot(is_kept=False))
        self._slots = ParserSlots(list(self._all))

    async def parse(
        self,
        path: Path,
        name: str,
        on_progress: OnProgress | None = None,
        *,
        ocr: Ocr | None = None,
        languages: str | None = None,
        workspace_id: str = "",
    ) -> ParsedDocument:
        """Return the text and structure of the file at ``path``, called ``name`` by its owner.

        Documents of one ``workspace_id`` are read one after the other.

        ``on_progress`` is called in the event loop with the stage (``parsing``, ``ocr``), the
        pages done and the pages in all. ``ocr`` and ``languages`` stand for this document instead
        of the parser's own. Cancelling kills the child at once. Raises ``ParseFailed``.
        """
        limits = replace(self._limits, ocr=ocr or self._limits.ocr)
        how = (path, name, limits, languages or self._languages)
        plain = await asyncio.to_thread(self.read_plain, path, name)
        if plain is not None:
            return plain
        read: list[Window] = []
        first: int | None = 1
        while first is not None:
            # Others that wait get their turn between two windows.
            async with self._slots.hold(workspace_id) as slot:
                outcome = await self._parse_in_child(slot, how, first, on_progress or _ignore)
            if isinstance(outcome, ParsedDocument):
                return outcome
            read.append(outcome)
            first = outcome.next_page
        return await asyncio.to_thread(finished, read, how[3])

    def read_plain(self, path: Path, name: str) -> ParsedDocument | None:
        """Return a small document that no foreign parser is needed for, ``None`` for another one.

        It is read in the calling thread, for no longer than a moment. Raises ``ParseFailed``, and
        ``NotFound`` when it was deleted just now.
        """
        try:
            if not _is_plain(path, name):
                return None
            return read_document(path, name, self._limits, self._languages, _ignore)
        except FileNotFoundError as error:
            raise NotFound("The stored content is gone; upload it again.") from error

    async def warm(self) -> None:
        """Start the child, so that the first document need not wait for it."""
        async with self._slots.hold("") as slot:
            await slot.ready_child(self._limits.memory_bytes)

    async def close(self) -> None:
        """End the children; a parse under way ends with ``ParserCrashed``."""
        for slot in self._all:
            await slot.close()

    async def _parse_in_child(
        self, slot: _Slot, how: _How, first: int, report: OnProgress
    ) -> ParsedDocument | Window:
        child = await slot.ready_child(self._limits.memory_bytes)
        outcome: ParsedDocument | Window | ParseFailed | None = None
        try:
            outcome = await child.run(*how, first, report)
        finally:
            if outcome is None or child.is_worn() or not slot.is_kept:
                await slot.close()
        if isinstance(outcome, ParseFailed):
            raise outcome
        return outcome


class _Slot:
    """A place for a child, which is started when it is needed."""

    def __init__(self, *, is_kept: bool) -> None:
        self.is_kept = is_kept
        self.child: _Child | None = None

    async def ready_child(self, memory_bytes: int) -> _Child:
        """Return a child that listens."""
        if self.child is not None and not self.child.is_running():
            await self.close()
        if self.child is None:
            self.child = await _Child.start(memory_bytes)
        return self.child

    async def close(self) -> None:
        """End the child, if any."""
        child, self.child = self.child, None
        if child is not None:
            await child.kill()


class _Child:
    """The process, its pipes and its workplace, a directory that ends with it."""

    def __init__(self, process: asyncio.subprocess.Process, workplace: Path) -> None:
        self._process = process
        self._workplace = workplace
        self._documents = 0
        self._memory = 0
        self._cpu_seconds = 0.0

    @classmethod
    async def start(cls, memory_bytes: int) -> _Child:
        """Start a child and wait until it is shut in and listens."""
        workplace = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="nuxa-parse-"))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ingest.child",
            str(workplace),
            str(memory_bytes),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=workplace,
            env=_environment(workplace),
            start_new_session=True,
        )
        child = cls(process, workplace)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await child._receive()
        except BaseException:
            await child.kill()
            raise
        return child

    def is_running(self) -> bool:
        return self._process.returncode is None

    def is_worn(self) -> bool:
        return (
            self._documents >= _DOCUMENTS_PER_CHILD
            or self._memory > _MEMORY_TO_KEEP
            or self._cpu_seconds > _CPU_SECONDS_PER_CHILD
        )

    async def run(
        self,
        path: Path,
        name: str,
        limits: Limits,
        languages: str,
        first: int,
        report: OnProgress,
    ) -> ParsedDocument | Window | ParseFailed:
        """Return the document, its next window, or why there is none; raises when the child had
        to be given up."""
        self._documents += first == 1
        job = self._workplace / f"document{PurePath(name).suffix.lower()[:16]}"
        began = time.monotonic()
        await asyncio.to_thread(shutil.copyfile, path, job)  # a link would let it write to ours
        # A large file takes a while to hand over: that is to be the smaller part of a window.
        seconds = _WINDOW_SECONDS + 2 * (time.monotonic() - began)
        try:
            how: wire.Message = {"path": str(job), "name": name, "limits": limits.to_wire()}
            how |= {"languages": languages, "first": first, "seconds": seconds}
            await self._send(how)
            return await self._outcome(limits, report)
        finally:
            job.unlink(missing_ok=True)

    async def _outcome(
        self, limits: Limits, report: OnProgress
    ) -> ParsedDocument | Window | ParseFailed:
        while True:
            try:
                async with asyncio.timeout(limits.silence_seconds):
                    reply = await self._receive()
            except TimeoutError as error:
                raise ParseTimeout(
                    f"Reading the document made no progress for {limits.silence_seconds:g} "
                    "seconds: split it, or save it in a simpler format."
                ) from error
            if reply.progress is not None:
                report(*reply.progress)
                continue
            self._memory, self._cpu_seconds = reply.memory, reply.cpu_seconds
            try:
                return await _outcome_of(reply)
            except (LookupError, TypeError, ValueError) as error:
                raise _damaged() from error

    async def _send(self, message: wire.Message) -> None:
        assert self._process.stdin is not None
        with suppress(ConnectionError):  # a dead child is told by reading from it
            self._process.stdin.write(wire.pack(message))
            await self._process.stdin.drain()

    async def _receive(self) -> wire.Reply:
        assert self._process.stdout is not None
        try:
            return await wire.receive(self._process.stdout)
        except wire.ReplyInvalid as error:
            raise _damaged() from error
        except asyncio.IncompleteReadError as error:
            code = await self._process.wait()
            if code == -signal.SIGXCPU:
                raise DocumentTooComplex(TOO_MUCH_TIME) from error
            if code == -signal.SIGABRT:  # how libraries end that are refused memory
                raise ParseMemory(TOO_MUCH_MEMORY) from error
            raise ParserCrashed(
                f"The parser ended while it read the document ({_ending(code)}): try again, or "
                "save the document in another format."
            ) from error

    async def kill(self) -> None:
        """End the process and every program it started, and remove its files."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        await asyncio.to_thread(shutil.rmtree, self._workplace, ignore_errors=True)
        await asyncio.to_thread(libreoffice.remove_dead_sockets)


async def _outcome_of(reply: wire.Reply) -> ParsedDocument | Window | ParseFailed:
    if reply.failure is not None:
        return failure(*reply.failure)
    if reply.window is not None:
        return await asyncio.to_thread(windows.from_wire, reply.window)
    return await asyncio.to_thread(from_wire, reply.document or {})


def _damaged() -> ParserCrashed:
    return ParserCrashed(
        "The parser's answer is damaged; try again, or save the document in another format."
    )


def _environment(workplace: Path) -> dict[str, str]:
    """Return the child's variables: none of ours that may hold a secret."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    home = str(workplace)
    return kept | {
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "HOME": home,
        "TMPDIR": home,
        "HF_HUB_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
        "SCARF_NO_ANALYTICS": "true",
        "OMP_THREAD_LIMIT": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _is_plain(path: Path, name: str) -> bool:
    """Whether the file is small and of a format that no foreign parser is needed for."""
    if path.stat().st_size > _READ_HERE_BYTES:
        return False
    with path.open("rb") as file:
        if not looks_like_text(file.read(_HEAD_BYTES)):
            return False
    return FORMATS[sniff(path, name).kind].family == "plain"


def _ignore(stage: str, done: int, total: int) -> None:
    """Drop progress nobody asked for."""


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
