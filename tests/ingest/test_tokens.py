from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.tokens import TokenRuler, _tokenizer, count_tokens


def _really(text: str) -> int:
    return len(_tokenizer().encode(text, add_special_tokens=False).ids)


def test_counts_are_those_of_the_model() -> None:
    for text in (
        "Net sales of $82,959 million, up 2 % (unaudited).",
        "Donaudampfschifffahrtsgesellschaft naïve café snake_case",
        "東京 is the capital; 한국어 текст",
        "",
    ):
        assert count_tokens(text) == _really(text)


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_counts_of_any_ascii_are_those_of_the_model(text: str) -> None:
    # Bars are the marks of tables, which the model does not get to read.
    printable = "".join(c for c in text if (c.isprintable() and c != "|") or c in "\n\t")
    assert count_tokens(printable) == max(_really(printable), len(printable) // 40)


def test_a_cut_holds_as_many_words_as_fit() -> None:
    text = "one two three four five"
    ruler = TokenRuler(text)
    assert text[: ruler.cut(0, len(text), 3)] == "one two three "
    assert ruler.cut(0, len(text), 99) == len(text)
    assert ruler.count(4, 13) == 2


def test_a_word_longer_than_the_budget_is_taken_whole() -> None:
    text = "incomprehensibilities next"
    assert TokenRuler(text).cut(0, len(text), 1) == text.index("next")


def test_data_in_a_text_counts_by_its_characters() -> None:
    assert _really("x" * 4000) == 1
    ruler = TokenRuler("x" * 4000)
    assert (ruler.count(0, 4000), ruler.cut(0, 4000, 10)) == (100, 400)
