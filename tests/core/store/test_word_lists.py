"""The best of a word list are the same whether all are put in order or only those asked for."""

from __future__ import annotations

import numpy as np
import pytest

from core.store.scoring import Sought
from core.store.word_lists import WordList, WordLists

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
