from __future__ import annotations

from copilot.memory import recall, search_words


def test_the_newest_messages_that_fit_are_recalled_in_order() -> None:
    newest_first = [
        ("assistant", "Five [1]. Six [2, 3]."),
        ("user", "second"),
        ("assistant", "x" * 50),
        ("user", "first"),
    ]
    assert recall(newest_first, budget=70) == [
        {"role": "user", "content": "second"},
        {"role": "assistant", "content": "Five. Six."},
    ]
    assert [message["role"] for message in recall(newest_first)] == ["user", "assistant"] * 2


def test_a_message_that_says_nothing_is_left_out_and_a_long_one_is_cut() -> None:
    said = recall([("assistant", ""), ("user", "y" * 9_000)])
    assert len(said) == 1
    assert len(str(said[0]["content"])) < 4_100


def test_a_short_question_is_searched_with_the_one_before() -> None:
    history = recall([("assistant", "In 2021."), ("user", "When were the sales highest?")])
    assert search_words("And lowest?", history) == "When were the sales highest?\nAnd lowest?"
    whole = "How high were the net sales of services in 2020?"
    assert search_words(whole, history) == whole
    assert search_words("And lowest?", []) == "And lowest?"
