from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import LANGUAGES, analyze


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("net sales of $82,959 million", "82959"),
        ("net sales of 82959", "82,959"),
        ("sold in the U.S. market", "US"),
        ("The RUNNING dogs", "run dog"),
        ("the dog’s bone", "dogs"),
        ("café", "cafe"),
        ("ﬁle", "file"),
        ("snake_case_name", "case"),
        ("COVID-19", "covid 19"),
        ("東京タワーへ行く", "タワー"),
        ("ภาษาไทยง่าย", "ไทย"),
        ("한국어를 배우다", "한국어"),
        ("большие города", "город"),
        ("हिन्दी भाषाओं", "भाषा"),
    ],
)
def test_a_question_meets_the_text_written_otherwise(written: str, asked: str) -> None:
    assert set(analyze(asked)) <= set(analyze(written))
    assert analyze(asked)


@pytest.mark.parametrize(
    ("language", "text", "terms"),
    [
        ("en", "the quick foxes and it", ["quick", "fox"]),
        ("de", "Die Häuser und der Garten", ["haus", "gart"]),
        ("fr", "l'homme et les élèves", ["homm", "elev"]),
        ("ru", "в больших городах", ["больш", "город"]),
        ("xx", "the foxes", ["the", "foxes"]),
        ("vi", "ma má", ["ma", "má"]),
        ("en", "3.14 and 1,5 and 10.1038/x 5km", ["3.14", "1,5", "10.1038", "x", "5km"]),
    ],
)
def test_terms_of_a_language(language: str, text: str, terms: list[str]) -> None:
    assert analyze(text, language) == terms


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("والفرنسية", "الفرنسية"),
        ("الإجازة", "اجازه"),
        ("مُحَمَّد", "محمـــد"),
        ("للموظف", "الموظف"),
        ("الشكاوى", "شكاوي"),
        ("٢٥ يوماً", "25"),
        ("۱۲۳", "123"),
    ],
)
def test_arabic_words_meet_however_they_are_spelled(written: str, asked: str) -> None:
    assert set(analyze(asked, "ar")) <= set(analyze(written, "ar"))
    assert analyze(asked, "ar")


def test_english_rules_hold_for_latin_words_of_an_auto_base() -> None:
    assert analyze("running города", "auto") == analyze("running города", "en")


def test_encoded_data_gives_bounded_terms() -> None:
    assert all(len(term) <= 64 for term in analyze("A" * 10_000 + " " + "1" * 9_000))


@given(st.text(), st.sampled_from(sorted(LANGUAGES)))
def test_any_text_gives_storable_terms_and_the_same_ones_again(text: str, language: str) -> None:
    terms = analyze(text, language)
    assert all(term and "\0" not in term and not term.isspace() for term in terms)
    assert analyze(text, language) == terms


@given(st.lists(st.text(alphabet="abc é3.,'’_ 東ไ", max_size=8), max_size=6))
def test_a_text_has_the_terms_of_its_parts(parts: list[str]) -> None:
    joined = [term for part in parts for term in analyze(part)]
    assert analyze("\n".join(parts)) == joined
