from __future__ import annotations

from core.text import analyze
from pipelines.search.highlight import highlights


def _marked(content: str, query: str, language: str = "en") -> list[str]:
    return highlights(content, frozenset(analyze(query, language)), language)


def test_words_of_the_same_stem_are_marked() -> None:
    assert _marked("Ships were shipping a box.", "ship") == [
        "<mark>Ships</mark> were <mark>shipping</mark> a box."
    ]


def test_markup_in_the_text_is_escaped() -> None:
    assert _marked("<img onerror=x> & ship", "ship") == [
        "&lt;img onerror=x&gt; &amp; <mark>ship</mark>"
    ]


def test_far_places_are_fragments_of_their_own() -> None:
    text = "ship " + "blank " * 100 + "ship" + " blank" * 100
    found = _marked(text, "ship")
    assert len(found) == 2
    assert all(len(part) < 250 for part in found)


def test_scripts_without_spaces() -> None:
    assert _marked("我们在北京大学学习", "北京大学", "zh") == ["我们在<mark>北京大学</mark>学习"]


def test_nothing_found_is_nothing_shown() -> None:
    assert _marked("a box", "ship") == []
