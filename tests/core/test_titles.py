from __future__ import annotations

import pytest

from core.titles import title_of, without_extension


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("2022 Q3 AAPL.pdf", "2022 Q3 AAPL"),
        ("Release notes 1.2", "Release notes 1.2"),
        ("read.me.txt", "read.me"),
        (".profile", ".profile"),
        ("84211.pdf", ""),
        ("doc_9f86d081884c7d659a2feaa0c55ad015.pdf", ""),
        ("", ""),
    ],
)
def test_a_name_tells_what_is_in_a_document_unless_a_program_gave_it(name: str, title: str) -> None:
    assert title_of(name) == title


def test_the_end_that_tells_the_format_is_left_out() -> None:
    assert without_extension("84211.pdf") == "84211"
