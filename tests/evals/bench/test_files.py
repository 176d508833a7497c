"""Files that the bench makes can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.bench.files import make_docx, make_pages, make_pdf, make_scan
from ingest.limits import Limits
from ingest.read import read_document


@pytest.mark.parametrize("kind", ["docx", "pdf"])
def test_made_files_hold_their_texts(tmp_path: Path, kind: str) -> None:
    texts = make_pages(2, seed=1)
    path = tmp_path / f"x.{kind}"
    path.write_bytes(make_pdf(texts) if kind == "pdf" else make_docx(texts[0]))
    document = read_document(path, path.name, Limits(), "eng", lambda *_: None)
    found = " ".join(document.text.split())
    assert texts[0][-60:] in found
    assert ("Memorandum 1-1." in found) is (kind == "pdf")


def test_make_scan_draws_a_page_of_text() -> None:
    assert len(make_scan("word " * 400)) > 2 * len(make_scan(""))
