"""Every document of the development data is read, or told why not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import olefile
import pytest

from ingest.document import ParsedDocument
from ingest.failures import ParseFailed
from ingest.libreoffice import is_installed
from ingest.limits import Limits
from ingest.parser import Parser
from ingest.split import split

# What cannot be read, and why.
REFUSED = {
    "picture.pptx": "NO_TEXT",
    "test-image-jpg-mime.pptx": "NO_TEXT",
    "nested_encrypted.zip": "UNSUPPORTED_TYPE",
    "external.xml": "CORRUPT",
    "xmlbomb.xml": "CORRUPT",
    "docinfo_latin1_key.pdf": "NO_TEXT",
    "livecycle.pdf": "NO_TEXT",
    "trivial.pdf": "NO_TEXT",
    "invalid.pdf": "CORRUPT",
    "fake-text-all-whitespace.txt": "EMPTY_DOCUMENT",
}
# A word or line that must be found, one file a format.
CONTENT = {
    "fake.docx": "Lorem ipsum dolor sit amet.",
    "fake_table.docx": "| Header Col 2 |\n| --- | --- |\n| Lorem ipsum | A Link example |",
    "sample-presentation.pptx": "This is the first content slide",
    "stanley-cups.xlsx": "| Location | Stanley Cups |\n| --- | --- | --- |\n| Blues | STL | 1 |",
    "stanley-cups.csv": "Maple Leafs | TOR | 13",
    "stanley-cups-utf-16.csv": "Maple Leafs | TOR | 13",
    "fake.odt": "Lorem ipsum dolor sit amet.",
    "eng_spa_mult.rtf": "All human beings are born free and equal in dignity and rights.",
    "eng_spa_mult.epub": "Todos los seres humanos nacen libres",
    "fake-email.eml": "Roses are red",
    "fake-email.msg": "Roses are red",
    "factbook.xml": "Emmanuel Macron",
    "codeblock.md": "HTML Example",
    "what_is_haystack.html": "Haystack",
    "odf_table_with_title_01.ods": "| Year | Freshwater Ducks |\n| --- | --- |\n| 2019 | 120 |",
    "odf_presentation_01.odp": "A rectangle shape with this text inside.",
    "reliance.pdf": "Reliance",
    "fake-text-utf-32.txt": "Important points",
}


@pytest.fixture(scope="module")
async def parser() -> AsyncIterator[Parser]:
    parser = Parser(Limits(silence_seconds=60))
    yield parser
    await parser.close()


def _files(root: Path) -> list[Path]:
    return sorted(
        path for path in root.rglob("*") if path.is_file() and ".expected." not in path.name
    )


async def _outcome(parser: Parser, path: Path) -> str:
    """Return ``OK`` or the failure's code, with everything checked that holds for any document."""
    try:
        document = await parser.parse(path, path.name)
    except ParseFailed as failed:
        assert len(failed.message.split()) > 5, "the failure explains itself"
        return failed.code
    _check(document, path)
    return "OK"


def _expected_outcome(path: Path) -> str:
    # Some files with an old suffix hold a docx or pptx.
    is_old = path.suffix in (".doc", ".ppt") and olefile.isOleFile(path)
    usual = "OK" if is_installed() or not is_old else "UNSUPPORTED_TYPE"
    return REFUSED.get(path.name, usual)


def _check(document: ParsedDocument, path: Path) -> None:
    for element in document.elements:
        assert document.text[element.start : element.end] == element.text
        if element.bbox is not None:
            x0, y0, x1, y1 = element.bbox
            assert 0 <= x0 <= x1 <= 1
            assert 0 <= y0 <= y1 <= 1
    chunks = split(document)
    assert chunks
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text
        assert chunk.token_count <= 200
        assert "\x00" not in chunk.text
    assert CONTENT.get(path.name, "") in document.text


@pytest.mark.shared_data
@pytest.mark.timeout(600)
@pytest.mark.parametrize("group", [pytest.param("formats", marks=pytest.mark.slow), "malformed"])
async def test_every_document_is_read_or_told_why_not(
    shared_data: Path, parser: Parser, group: str
) -> None:
    files = _files(shared_data / "documents" / group)
    outcomes = {path: await _outcome(parser, path) for path in files}
    unexpected = {
        path.name: code for path, code in outcomes.items() if code != _expected_outcome(path)
    }
    assert len(files) > 35
    assert unexpected == {}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", CONTENT)
async def test_each_format_gives_its_text(shared_data: Path, parser: Parser, name: str) -> None:
    path = next((shared_data / "documents" / "formats").rglob(name))
    assert await _outcome(parser, path) == "OK"


@pytest.mark.shared_data
async def test_a_filing_keeps_its_rows_pages_and_headings(
    shared_data: Path, parser: Parser
) -> None:
    path = shared_data / "qa" / "sec10q_docugami" / "pdfs" / "2022 Q3 AAPL.pdf"
    document = await parser.parse(path, path.name)
    (row,) = (e for e in document.elements if "Total net sales | 82,959 | 81,434 |" in e.text)
    assert (row.kind, row.page) == ("table", 4)
    assert row.text.startswith("|  | Three Months Ended June 25, 2022 | June 26, 2021 | Nine")
    assert row.heading_path[-1].startswith("CONDENSED CONSOLIDATED STATEMENTS OF OPERATIONS")
    assert document.page_count == 28
    assert "Q3 2022 Form 10-Q |" not in document.text, "the running footer is dropped"
