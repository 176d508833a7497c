"""The registry of formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest import formats
from ingest.conversion import Conversion
from ingest.document import Piece, Reading
from ingest.formats import FORMATS, Format
from ingest.limits import Limits
from ingest.read import read_document


def test_the_page_of_formats_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "formats.md"
    assert page.read_text(encoding="utf-8") == formats.render_table(), "run `make formats-page`"


def test_a_new_format_is_a_converter_and_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(conversion: Conversion) -> Reading:
        return Reading([Piece("text", conversion.path.read_text().split("\n")[2])])

    subtitles = Format("srt", "application/x-subrip", "text", "ours", convert, (".srt",))
    monkeypatch.setitem(FORMATS, "srt", subtitles)
    (tmp_path / "film.srt").write_text("1\n00:01 --> 00:02\nWe leave at nine.\n")
    document = read_document(tmp_path / "film.srt", "film.srt", Limits(), "eng", lambda *_: None)
    assert document.text == "We leave at nine."
