from __future__ import annotations

from copilot.memory import Said, extracted, recall, search_words, split, tokens

NEWEST_FIRST = [
    Said("assistant", "Five [1]. Six [2, 3].", "4"),
    Said("user", "second", "3"),
    Said("assistant", "x" * 80, "2"),
    Said("user", "first", "1"),
]


def test_the_newest_messages_that_fit_are_recalled_in_order() -> None:
    assert recall(NEWEST_FIRST, budget=10) == [
        {"role": "user", "content": "second"},
        {"role": "assistant", "content": "Five. Six."},
    ]
    assert [message["role"] for message in recall(NEWEST_FIRST)] == ["user", "assistant"] * 2


def test_an_answer_is_recalled_without_its_marks_and_with_its_code() -> None:
    code = "```\nd[1] = [2]\n```\nor `d[1]`"
    (_, answer) = recall([Said("assistant", f"So [1, 2]:\n{code} [3]."), Said("user", "How?")])
    assert answer["content"] == f"So:\n{code}."


def test_what_has_no_room_is_left_over_in_order() -> None:
    kept, left = split(NEWEST_FIRST, budget=10)
    assert len(kept) == 2
    assert [said.at for said in left] == ["1", "2"]
    assert split(NEWEST_FIRST)[1] == []
    _, unanswered = split(NEWEST_FIRST, budget=23)  # an answer alone is not kept
    assert [said.at for said in unanswered] == ["1", "2"]


def test_a_message_that_says_nothing_is_left_out_and_a_long_one_is_cut() -> None:
    said = recall([Said("assistant", ""), Said("user", "y" * 9_000)])
    assert len(said) == 1
    assert len(str(said[0]["content"])) < 4_100


def test_a_character_of_another_script_may_be_a_token() -> None:
    assert tokens("abcdefgh") == 2
    assert tokens("abcde") == 2
    assert tokens("日本語") == 3
    assert tokens("") == 0


def test_a_summary_without_a_model_keeps_first_sentences_within_its_budget() -> None:
    left = [Said("user", "When is lunch? I am hungry."), Said("assistant", "At noon [1]. Enjoy!")]
    assert extracted("", left) == "User: When is lunch?\nCopilot: At noon."
    grown = extracted("User: old", [Said("user", f"Question {n}: " + "w" * 300) for n in range(40)])
    assert tokens(grown) <= 500
    assert "old" not in grown
    assert "Question 39" in grown


def test_a_short_question_is_searched_with_the_one_before() -> None:
    history = recall([Said("assistant", "In 2021."), Said("user", "When were the sales highest?")])
    assert search_words("And lowest?", history) == "When were the sales highest?\nAnd lowest?"
    whole = "How high were the net sales of services in 2020?"
    assert search_words(whole, history) == whole
    assert search_words("And lowest?", []) == "And lowest?"
