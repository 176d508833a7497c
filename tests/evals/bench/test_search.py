"""The corpus that search is measured on."""

from __future__ import annotations

import numpy as np

from evals.bench.search import Corpus


def test_corpus_notes_the_nearest_passages_over_all_that_were_made() -> None:
    chance = np.random.default_rng(1)
    centres, asked = (
        np.asarray(each / np.linalg.norm(each, axis=1, keepdims=True), np.float32)
        for each in (chance.standard_normal((9, 16)), chance.standard_normal((3, 16)))
    )
    corpus = Corpus(centres, [f"It is {n}." for n in range(9)], asked)
    made = [*corpus.make(0, 40), *corpus.make(40, 20)]
    scores = asked @ np.array([chunk.embedding for chunk in made]).T
    for question in range(3):
        exact = set(np.argsort(-scores[question])[:10])
        assert corpus.nearest(question) == exact
    assert made[41].content.startswith("Passage 41. It is ")
