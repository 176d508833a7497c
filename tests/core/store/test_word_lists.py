"""Chunks by words in memory: their scores, and the best, whether all are put in order or not."""

from __future__ import annotations

import numpy as np
import pytest

from core.store.scoring import Sought
from core.store.word_lists import EMPTY, WordList, WordLists

_WORDS = Sought({"a": 1.0, "b": 2.0}, {}, (0.4, 0.05))


def _lists(seed: int) -> WordLists:
    random = np.random.default_rng(seed)

    def one(count: int) -> WordList:
        nos = np.sort(random.choice(1_000, count, replace=False)).astype(np.int64)
        frequencies, lengths = (random.integers(1, 4, count).astype(np.int16) for _ in range(2))
        return WordList(nos, frequencies, lengths)

    return WordLists({"a": one(400), "b": one(300)})


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("most", [1, 10, 100, 699, 10_000])
def test_the_first_are_the_same_with_equal_scores_in_the_order_of_writing(
    seed: int, most: int
) -> None:
    lists = _lists(seed)
    every = lists.led_to(_WORDS)
    assert lists.led_to(_WORDS, most).tolist() == every[:most].tolist()


def _parts(lists: WordLists, words: Sought) -> dict[int, dict[str, float]]:
    """Return what each word adds to the BM25 of each chunk, one by one."""
    constant, share = words.saturation
    parts: dict[int, dict[str, float]] = {}
    for term, weight in words.all.items():
        each = lists.words[term]
        for no, frequency, length in zip(each.nos, each.frequencies, each.lengths, strict=True):
            part = weight * frequency / (frequency + constant + share * length)
            parts.setdefault(int(no), {})[term] = float(part)
    return parts


@pytest.mark.parametrize("seed", range(5))
def test_scores_and_words_are_those_of_each_chunk_by_itself(seed: int) -> None:
    lists = WordLists({**_lists(seed).words, "absent": EMPTY})
    words = Sought({"a": 1.0, "absent": 3.0}, {"b": 2.0}, (0.4, 0.05))
    parts = _parts(lists, words)
    nos = np.random.default_rng(seed).choice(1_200, 300, replace=False).tolist()
    assert lists.scores(nos, words) == pytest.approx(
        [sum(parts.get(no, {}).values()) for no in nos]
    )
    held = {(no, term) for no in nos for term in parts.get(no, {})}
    assert sorted(lists.held(nos)) == sorted(held)


@pytest.mark.parametrize("seed", range(5))
def test_chunks_are_led_to_by_the_sum_of_the_finding_words(seed: int) -> None:
    lists = WordLists({**_lists(seed).words, "absent": EMPTY})
    words = Sought({"a": 1.0, "b": 2.0, "absent": 3.0}, {}, (0.4, 0.05))
    sums = {no: sum(found.values()) for no, found in _parts(lists, words).items()}
    found = lists.led_to(words).tolist()
    assert sorted(found) == sorted(sums)
    assert [sums[no] for no in found] == pytest.approx(sorted(sums.values(), reverse=True))


def test_words_that_nothing_holds_lead_nowhere() -> None:
    words = Sought({"absent": 1.0}, {}, (0.4, 0.05))
    lists = WordLists({"absent": EMPTY})
    assert lists.led_to(words, 5).tolist() == []
    assert lists.scores([4, 2], words).tolist() == [0, 0]
