"""Footnotes of Markdown."""

from __future__ import annotations

from pathlib import Path

from ingest import office
from ingest.markdown_notes import written_out


def _read(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    (tmp_path / "page.md").write_text(text)
    return [(p.kind, p.text) for p in office.read(tmp_path / "page.md", "md").pieces]


def test_notes_are_paragraphs_and_their_marks_are_no_part_of_words(tmp_path: Path) -> None:
    text = (
        "Ropes hold[^1], so do chains.[^iron]\n\n[^1]: Of *hemp*.\n[^iron]: Of iron\n    alone.\n"
    )
    assert _read(tmp_path, text) == [
        ("text", "Ropes hold, so do chains."),
        ("text", "Of hemp."),
        ("text", "Of iron alone."),
    ]


def test_code_stays_as_it_is(tmp_path: Path) -> None:
    code = "```\n[^a]: b\nre.match('[^1]')\n~~~\n[^1]\n```\n"
    text = f"See[^1].\n\n{code}\n[^1]: Below.\n"
    assert _read(tmp_path, text)[1] == ("code", code.removeprefix("```\n").removesuffix("\n```\n"))


def test_what_is_no_note_is_left_alone() -> None:
    for text in ("a [^1] b\n", "match [^/]+ and\n\n[site]: http://example.com\n", ""):
        assert written_out(text) == text
