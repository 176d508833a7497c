"""Marks that are made in code for a model's free text."""

from __future__ import annotations

import pytest

from pipelines.marking import Marking


def _source_of(sentence: str) -> int | None:
    return 3 if "true" in sentence else None


@pytest.mark.parametrize("size", [1, 4, 1_000])
@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("It is true. It is not.", "It is true. [3] It is not."),
        ("No. So true", "No. So true [3]"),
        ("Is true [1], and true [2]. No [7].", "Is true, and true. [3] No."),
        ("- true\n- other\n\nAnd true.\n", "- true [3]\n- other\n\nAnd true. [3]\n"),
        ("```python\ntrue = rows[0]\n```\nrows[0] is true.",
         "```python\ntrue = rows[0]\n```\nrows[0] is true. [3]"),
        ("true = (rows[0], [1, 2])\nIt is true.", "true = (rows[0], [1, 2])\nIt is true. [3]"),
    ],
)  # fmt: skip
def test_a_sentence_is_marked_when_it_is_whole(text: str, marked: str, size: int) -> None:
    marking = Marking(_source_of)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert "".join(map(marking.feed, pieces)) + marking.finish() == marked
    assert marking.has_said
    assert marking.has_cited


def test_what_is_not_borne_out_is_said_as_it_comes() -> None:
    marking = Marking(_source_of)
    assert marking.feed("It is so. And") == "It is so. "
    assert marking.finish() == "And"
    assert (marking.has_said, marking.has_cited) == (True, False)
