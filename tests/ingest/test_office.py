"""What is made of other readers' elements."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest import office


@pytest.mark.parametrize(("name", "start", "end"), [("a.html", "<p>", "</p>"), ("a.md", "", "")])
def test_what_is_nested_deeply_is_read_and_so_is_what_follows(
    tmp_path: Path, name: str, start: str, end: str
) -> None:
    quoted = f"{'<blockquote>' * 300}{start}deep words{end}{'</blockquote>' * 300}"
    (tmp_path / name).write_text(f"<h1>Before</h1>\n\n{quoted}\n\n<h1>After</h1>")
    found = [piece.text for piece in office.read(tmp_path / name, name[2:]).pieces]
    assert found == ["Before", "deep words", "After"]


def test_what_is_nested_too_deeply_is_no_silent_loss(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(f"<html><h1>Before</h1>{'<div>' * 5000}deep words")
    with pytest.raises(RecursionError):
        office.read(tmp_path / "a.html", "html")
