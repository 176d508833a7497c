from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest

from core.store.knowledge_bases import KnowledgeBase
from core.store.measures import Asked
from core.store.nearest import Nearest
from core.store.scoring import Sought
from core.store.unit import Store
from tests.conftest import Owner
from tests.knowledge import add_document, embedded, make_base

_SATURATION = (0.4, 0.1)


def _words(**weights: float) -> Sought:
    return Sought(weights, {}, _SATURATION)


def _nearest(base: KnowledgeBase, text: str, limit: int = 10) -> Nearest:
    return Nearest([base], embedded(text), limit)


async def test_chunks_are_measured_exactly(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    document_id = await add_document(store, base, ["green apple apple", "red pear"], "x.txt")
    words = _words(green=2.0, appl=3.0, plum=5.0)
    async with store.unit(owner.workspace_id) as unit:
        nos = await unit.vectors.nearest([base], embedded("red pear"), 10)
        found = await unit.measures.measure(Asked([base], words, [*nos, 10**9]))
    assert found.nos == sorted(nos)
    assert found.document_ids == [document_id] * 2
    assert found.document_names == ["x.txt"] * 2
    assert found.document_lengths == [2, 2]
    length = 4  # the name is a word, too
    expected = 2 * 1 / (1 + 0.4 + 0.1 * length) + 3 * 2 / (2 + 0.4 + 0.1 * length)
    assert found.keyword.tolist() == pytest.approx([expected, 0])
    whole = np.stack([embedded("x green apple apple"), embedded("x red pear")])
    assert found.vectors == pytest.approx(whole, abs=1e-3)


async def test_the_nearest_are_found_and_measured_at_once(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, ["green apple", "red pear", "blue plum"], "x.txt")
    words = _words(green=2.0, pear=3.0)
    async with store.unit(owner.workspace_id) as unit:
        pear, plum = [
            (await unit.vectors.nearest([base], embedded(text), 1))[0]
            for text in ("x red pear", "x blue plum")
        ]
        by_number = await unit.measures.measure(Asked([base], words, [pear, plum]))
        asked = Asked([base], words, scored={pear: 7.0}, nearest=_nearest(base, "x blue plum", 1))
        found = await unit.measures.measure(asked)
        again = await unit.measures.measure(replace(asked, scored={}, known={pear, plum}))
    assert found.nos == by_number.nos == sorted([pear, plum])
    assert dict(zip(found.nos, found.keyword.tolist(), strict=True)) == {pear: 7.0, plum: 0.0}
    assert found.vectors == pytest.approx(by_number.vectors)
    assert again.nos == []
    assert again.vectors.size == 0


async def test_of_another_base_nothing_is_measured(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    other = await make_base(store, owner.workspace_id)
    await add_document(store, base, ["green apple"])
    async with store.unit(owner.workspace_id) as unit:
        nos = await unit.vectors.nearest([base], embedded("green apple"), 10)
        found = await unit.measures.measure(Asked([other], _words(green=1.0), nos))
    assert found.nos == []
    assert found.vectors.size == 0


async def test_openings_tell_which_terms_they_hold(
    store: Store, owner: Owner, make_owner: Callable[[], Awaitable[Owner]]
) -> None:
    base = await make_base(store, owner.workspace_id)
    texts = ["annual report", "apple", "plum"]
    document_id = await add_document(store, base, texts)
    words = _words(report=1.0, appl=1.0, plum=1.0, pear=1.0)
    asked = Asked([base], words, nearest=_nearest(base, "plum"), long_from=2)
    async with store.unit(owner.workspace_id) as unit:
        found = await unit.measures.measure(asked)
        unasked = [
            (await unit.measures.measure(replace(asked, **other))).openings
            for other in ({"long_from": 3}, {"long_from": None}, {"weighed": [document_id]})
        ]
    assert {id_: set(terms) for id_, terms in found.openings.items()} == {
        document_id: {"report", "appl"}
    }
    assert unasked == [{}, {}, {}]
    async with store.unit((await make_owner()).workspace_id) as unit:
        assert (await unit.measures.measure(asked)).nos == []
