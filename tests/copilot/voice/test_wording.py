"""Answers as they are said."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from copilot.voice.wording import Sentences
from copilot.wording import text_of


def _said(*deltas: str) -> list[str]:
    sentences = Sentences()
    said = [text for delta in deltas for text in sentences.feed(delta)]
    return said + sentences.rest()


def test_a_sentence_is_said_as_soon_as_the_next_begins() -> None:
    sentences = Sentences()
    assert sentences.feed("The slipway is closed. ") == []
    assert sentences.feed("It") == ["The slipway is closed."]
    assert sentences.rest() == ["It"]


def test_letter_by_letter_is_the_same_as_at_once() -> None:
    text = "Dr. Ito said 3.5 metres. Is that so? Yes! It is."
    assert _said(*text) == _said(text)
    assert _said(text)[0] == "Dr. Ito said 3.5 metres."


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It is closed [1][2].", ["It is closed."]),
        ("**Never** use `rm`.", ["Never use rm ."]),
        ("See [the page](https://example.com/x).", ["See the page."]),
        ("- one\n- two", ["one", "two"]),
        ("...", []),
        ("", []),
    ],
)
def test_what_nobody_says_is_left_away(written: str, said: list[str]) -> None:
    assert _said(written) == said


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("Hello.", "Hello."),
        ({"text": "Hello."}, "Hello."),
        ({"data": {"content": "Hello."}}, "Hello."),
        ({"number": 3}, ""),
        (None, ""),
        ([1], ""),
    ],
)
def test_a_workflows_output_is_said_where_it_is_text(output: JsonValue, said: str) -> None:
    assert text_of(output) == said
