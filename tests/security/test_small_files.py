"""A small file holds the parser for seconds at most, and nobody else's document waits for it."""

from __future__ import annotations

import asyncio
import io
import json
import time
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.document import ParsedDocument
from ingest.failures import DocumentTooComplex, ParseFailed, ParseMemory
from ingest.limits import Limits
from ingest.parser import Parser
from ingest.parser_slots import ParserSlots
from ingest.split import split
from tests.ingest import making

SIZE = 300_000
SECONDS = 60.0  # where a quadratic reader takes ten minutes or more


def _repeated(text: str, size: int = SIZE) -> bytes:
    return (text * (size // len(text))).encode()


def _parts(size: int) -> bytes:
    part = "--X\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
    head = "Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=X\r\n\r\n"
    return head.encode() + _repeated(part, size) + b"--X--"


def _header(field: str, text: str, size: int) -> bytes:
    return f"Subject: s\r\n{field}: ".encode() + _repeated(text, size) + b"\r\n\r\nGood day."


def _wide(size: int) -> bytes:
    columns = size // 6
    return b",".join([b"a"] * columns) + b"\n" + b",".join([b"bbb"] * columns)


def _long_keys(size: int) -> bytes:
    return json.dumps({"k" * (size // 2): [1] * (size // 8)}).encode()


def _merged_rows(size: int) -> bytes:
    import docx

    cell = (
        "<w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p><w:r><w:t>x</w:t></w:r></w:p></w:tc></w:tr>"
    )
    table = "<w:tbl>" + cell * (size // len(cell)) + "</w:tbl>"
    written, packed = io.BytesIO(), io.BytesIO()
    docx.Document().save(written)
    with (
        zipfile.ZipFile(written) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as to,
    ):
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                data = data.replace(b"<w:body>", b"<w:body>" + table.encode())
            to.writestr(name, data)
    return packed.getvalue()


ADVERSARIAL: dict[str, Callable[[int], bytes]] = {
    "brackets.md": lambda size: _repeated("[", size),
    "pictures.md": lambda size: _repeated("![", size),
    "links.md": lambda size: _repeated("[a](<b", size),
    "closing.md": lambda size: _repeated("]", size),
    "notes.md": lambda size: b"[^a]: x\n" + _repeated("[^", size),
    "tags.md": lambda size: _repeated("<a ", size),
    "double-quotes.md": lambda size: _repeated('"', size),
    "quotes.md": lambda size: _repeated("> ", size),
    "ticks.md": lambda size: _repeated("`", size),
    "emphasis.md": lambda size: _repeated("**x*", size),
    "entities.html": lambda size: _repeated("&amp", size),
    "angles.html": lambda size: _repeated("<", size),
    "deep.html": lambda size: _repeated("<div>", size),
    "wide.csv": _wide,
    "quotes.csv": lambda size: _repeated('"', size),
    "parts.eml": _parts,
    "addresses.eml": lambda size: _header("To", '"', size),
    "parameters.eml": lambda size: _header("Content-Type", "a=b; ", size),
    "keys.json": _long_keys,
    "merged.docx": lambda size: _merged_rows(4 * size),
    "brackets.org": lambda size: _repeated("[", size),
    "stars.org": lambda size: _repeated("*", size),
    "colons.org": lambda size: _repeated(":", size),
    "mixed.org": lambda size: _repeated("[*:", size),
    "carons.txt": lambda size: b"\x9a" * size,
}
LONG = {"brackets.org", "stars.org", "colons.org", "mixed.org", "merged.docx", "pictures.md"}


@pytest.fixture(scope="module")
async def parser() -> AsyncIterator[Parser]:
    parser = Parser()
    yield parser
    await parser.close()


def _written(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


async def _read(parser: Parser, path: Path, workspace_id: str = "") -> ParsedDocument | ParseFailed:
    try:
        return await parser.parse(path, path.name, workspace_id=workspace_id)
    except ParseFailed as failed:
        return failed


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in ADVERSARIAL],
)
async def test_parse_adversarial_file_is_read_or_refused_soon(
    parser: Parser, tmp_path: Path, name: str
) -> None:
    path = _written(tmp_path, name, ADVERSARIAL[name](SIZE))
    await parser.warm()
    began = time.monotonic()
    outcome = await _read(parser, path)
    if isinstance(outcome, ParsedDocument):
        chunks = await asyncio.to_thread(split, outcome)
        assert sum(len(chunk.text) + len(chunk.context) for chunk in chunks) < 20 * SIZE
    assert time.monotonic() - began < SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("name", ["brackets.md", "emphasis.md", "notes.md", "parts.eml"])
async def test_parse_of_twice_the_size_takes_no_four_times_the_work(
    parser: Parser, tmp_path: Path, name: str
) -> None:
    await _read(parser, _written(tmp_path, f"warm-{name}", ADVERSARIAL[name](1000)))
    spent = []
    for size in (SIZE // 4, 2 * SIZE):
        assert parser._kept.child is not None
        before = parser._kept.child._cpu_seconds
        await _read(parser, _written(tmp_path, name, ADVERSARIAL[name](size)))
        spent.append(parser._kept.child._cpu_seconds - before)
    assert spent[1] < 3 * 8 * max(spent[0], 0.05), "8 times the size"


async def test_parse_while_another_workspace_fills_the_parser_goes_through(tmp_path: Path) -> None:
    parser = Parser()
    names = [f"rows-{n}.org" for n in range(3)]  # pandoc's reader is not linear
    try:
        held = [
            asyncio.create_task(_read(parser, _written(tmp_path, name, _repeated("*a ")), "one"))
            for name in names
        ]
        await asyncio.sleep(0)
        page = _written(tmp_path, "page.pdf", making.pdf([[(72, 80, 12, "F1", "A page of mine.")]]))
        outcome = await _read(parser, page, "other")
        assert isinstance(outcome, ParsedDocument)
        assert not all(task.done() for task in held)
    finally:
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        await parser.close()


async def test_parse_beyond_the_processor_time_of_its_size_is_refused(tmp_path: Path) -> None:
    parser = Parser(replace(Limits(), base_cpu_seconds=1, cpu_seconds_per_megabyte=0))
    path = _written(tmp_path, "rows.html", _repeated("<p>one <b>two</b> three</p>\n", 3_000_000))
    try:
        await parser.warm()
        assert isinstance(await _read(parser, path), DocumentTooComplex)
        page = _written(tmp_path, "page.pdf", making.pdf([[(72, 80, 12, "F1", "The next one.")]]))
        assert isinstance(await _read(parser, page), ParsedDocument)
    finally:
        await parser.close()


async def test_parse_of_program_beyond_its_time_or_memory_is_refused(tmp_path: Path) -> None:
    parser = Parser(replace(Limits(), base_cpu_seconds=6, cpu_seconds_per_megabyte=1))
    path = _written(tmp_path, "stars.org", _repeated("*a "))
    try:
        assert isinstance(await _read(parser, path), DocumentTooComplex | ParseMemory)
    finally:
        await parser.close()


def _packed_pdf(operators: bytes, size: int) -> bytes:
    """Return a PDF of a page whose content grows to ``size`` bytes."""
    packer, packed = zlib.compressobj(9), []
    block = operators * (1_000_000 // len(operators))
    packed = [packer.compress(block) for _ in range(size // len(block))] + [packer.flush()]
    content = b"".join(packed)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<<>>>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(content), content),
    ]
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % each for each in enumerate(objects, 1))
    return b"%PDF-1.5\n" + body + b"trailer<</Size 5/Root 1 0 R>>\n%%EOF"


async def test_parse_of_packed_pdf_beyond_its_memory_is_refused(
    parser: Parser, tmp_path: Path
) -> None:
    path = _written(tmp_path, "paths.pdf", _packed_pdf(b"0 0 m 9 9 l S ", 300_000_000))
    await parser.warm()
    assert isinstance(await _read(parser, path), ParseMemory)


async def test_hold_of_many_waiting_takes_workspaces_in_turn() -> None:
    slots, order = ParserSlots(["a", "b"]), list[str]()

    async def work(workspace_id: str) -> None:
        async with slots.hold(workspace_id):
            order.append(workspace_id)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(name) for name in ["one"] * 6 + ["two"] * 2 + ["three"]))
    assert sorted(order[:5]) == ["one", "one", "three", "two", "two"]


async def test_hold_of_one_workspace_leaves_a_slot_for_others() -> None:
    slots = ParserSlots(["a", "b"])
    async with slots.hold("one"):
        second = asyncio.create_task(slots.hold("one").__aenter__())
        await asyncio.sleep(0)
        async with slots.hold("two"):
            assert not second.done()
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
    async with slots.hold("one"), slots.hold("two"):
        pass
