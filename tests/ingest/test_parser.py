from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.document import ParsedDocument, from_wire, to_wire
from ingest.failures import EmptyDocument, ParserCrashed, ParseTimeout
from ingest.limits import Limits
from ingest.parser import Parser
from tests.ingest import making

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def parser() -> AsyncIterator[Parser]:
    parser = Parser()
    yield parser
    await parser.close()


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "letter.pdf"
    path.write_bytes(making.pdf([[(72, 80, 12, "F1", f"This is page {n} of it")] for n in (1, 2)]))
    return path


@pytest.fixture
def slow_scan(tmp_path: Path) -> Path:
    """Many pages of noise, minutes of work for Tesseract."""
    from PIL import Image

    pages = [Image.effect_noise((2400, 3000), 120) for _ in range(8)]
    path = tmp_path / "noise.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


def _pid(parser: Parser) -> int:
    assert parser._kept.child is not None
    return parser._kept.child._process.pid


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


async def _gone(group: int) -> None:
    """Wait until no process of a killed group is left: init takes a moment to bury the orphans."""
    async with asyncio.timeout(30):
        while _is_alive(group):
            await asyncio.sleep(0.05)


async def test_a_document_comes_back_with_its_structure(parser: Parser, pdf: Path) -> None:
    seen = []
    document = await parser.parse(pdf, "letter.pdf", lambda *step: seen.append(step))
    assert [(e.page, e.text) for e in document.elements] == [
        (1, "This is page 1 of it"),
        (2, "This is page 2 of it"),
    ]
    assert seen[-1] == ("parsing", 2, 2)
    assert from_wire(to_wire(document)) == document


async def test_one_child_reads_many_documents(parser: Parser, pdf: Path) -> None:
    await parser.parse(pdf, "letter.pdf")
    first = _pid(parser)
    await parser.parse(pdf, "letter.pdf")
    assert _pid(parser) == first


async def test_a_large_parent_does_not_wear_out_its_child(parser: Parser, pdf: Path) -> None:
    ballast = b"x" * (1300 * 1024 * 1024)
    await parser.parse(pdf, "letter.pdf")
    first = _pid(parser)
    await parser.parse(pdf, "letter.pdf")
    assert _pid(parser) == first
    assert ballast


async def test_plain_text_needs_no_child(parser: Parser, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("Only words.")
    assert (await parser.parse(path, "x.txt")).text == "Only words."
    assert parser._kept.child is None


async def test_a_failure_keeps_its_type_and_the_child(parser: Parser, tmp_path: Path) -> None:
    empty = tmp_path / "x.pdf"
    empty.write_bytes(b"")
    with pytest.raises(EmptyDocument):
        await parser.parse(empty, "x.pdf")
    await parser.warm()
    first = _pid(parser)
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(Exception, match="damaged"):
        await parser.parse(tmp_path / "bad.pdf", "bad.pdf")
    assert _pid(parser) == first


async def test_silence_ends_the_child_and_the_next_document_is_read(
    slow_scan: Path, pdf: Path
) -> None:
    parser = Parser(replace(Limits(), silence_seconds=1.5))
    await parser.warm()
    first = _pid(parser)
    with pytest.raises(ParseTimeout, match="no progress"):
        await parser.parse(slow_scan, "noise.tif")
    await _gone(first)
    assert (await parser.parse(pdf, "letter.pdf")).page_count == 2
    await parser.close()


async def test_cancelling_ends_the_child_with_its_programs(parser: Parser, slow_scan: Path) -> None:
    await parser.warm()
    group = _pid(parser)
    task = asyncio.create_task(parser.parse(slow_scan, "noise.tif"))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _gone(group)


async def test_a_killed_child_is_told_and_replaced(
    parser: Parser, slow_scan: Path, pdf: Path
) -> None:
    await parser.warm()
    task = asyncio.create_task(parser.parse(slow_scan, "noise.tif"))
    await asyncio.sleep(0.5)
    os.killpg(_pid(parser), signal.SIGKILL)
    with pytest.raises(ParserCrashed, match="SIGKILL"):
        await task
    assert (await parser.parse(pdf, "letter.pdf")).page_count == 2


async def test_the_child_ends_with_its_parent(tmp_path: Path, slow_scan: Path) -> None:
    program = textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from ingest.parser import Parser
        async def main():
            parser = Parser()
            await parser.warm()
            print(parser._kept.child._process.pid, parser._kept.child._workplace, flush=True)
            await parser.parse(Path({str(slow_scan)!r}), "noise.tif")
        asyncio.run(main())
    """)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert parent.stdout is not None
    group, workplace = (await parent.stdout.readline()).decode().split()
    await asyncio.sleep(0.5)
    parent.kill()
    await parent.wait()
    for _ in range(100):
        if not _is_alive(int(group)):
            break
        await asyncio.sleep(0.1)
    assert not _is_alive(int(group))
    assert not Path(workplace).exists()


async def test_others_are_served_between_the_windows_of_a_long_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.parser._WINDOW_SECONDS", 0.0)  # a page at a time
    long, short = tmp_path / "long.pdf", tmp_path / "short.pdf"
    pages = [
        [(72, 80, 20, "F2", f"Chapter {n}"), (72, 120, 11, "F1", f"The text of page {n} is long.")]
        for n in range(1, 41)
    ]
    long.write_bytes(making.pdf(pages))  # type: ignore[arg-type]
    short.write_bytes(making.pdf([[(72, 80, 12, "F1", "A letter of one page only.")]]))
    parser = Parser()
    ended: list[Path] = []
    seen: list[int] = []

    async def read(path: Path) -> ParsedDocument:
        document = await parser.parse(path, path.name, lambda _s, done, _t: seen.append(done))
        ended.append(path)
        return document

    try:
        whole, letter = await asyncio.gather(read(long), read(short))
    finally:
        await parser.close()
    assert ended == [short, long]
    assert (whole.page_count, whole.pages_with_text) == (40, 40)
    assert "A letter" in letter.text
    assert [e.text for e in whole.elements if e.kind == "title"][::13] == [
        "Chapter 1", "Chapter 14", "Chapter 27", "Chapter 40",
    ]  # fmt: skip
    assert whole.elements[1].heading_path == ("Chapter 1",)
    assert 40 in seen
