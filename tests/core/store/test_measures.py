from __future__ import annotations

from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from core.store.unit import Store
from tests.conftest import Owner
from tests.knowledge import add_document, embedded, make_base

_SATURATION = (0.4, 0.1)


async def test_chunks_are_measured_exactly(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    document_id = await add_document(store, base, ["green apple apple", "red pear"], "x.txt")
    weights = {"green": 2.0, "appl": 3.0, "plum": 5.0}
    async with store.unit(owner.workspace_id) as unit:
        nos = await unit.vectors.nearest([base], embedded("red pear"), 10)
        found = await unit.measures.measure([base], [*nos, 10**9], weights, _SATURATION)
    assert found.nos == sorted(nos)
    assert found.document_ids == [document_id] * 2
    assert found.document_names == ["x.txt"] * 2
    assert found.document_lengths == [2, 2]
    length = 4  # the name is a word, too
    expected = 2 * 1 / (1 + 0.4 + 0.1 * length) + 3 * 2 / (2 + 0.4 + 0.1 * length)
    assert found.keyword.tolist() == pytest.approx([expected, 0])
    whole = np.stack([embedded("x green apple apple"), embedded("x red pear")])
    assert found.vectors == pytest.approx(whole, abs=1e-3)


async def test_of_another_base_nothing_is_measured(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    other = await make_base(store, owner.workspace_id)
    await add_document(store, base, ["green apple"])
    async with store.unit(owner.workspace_id) as unit:
        nos = await unit.vectors.nearest([base], embedded("green apple"), 10)
        found = await unit.measures.measure([other], nos, {"green": 1.0}, _SATURATION)
    assert found.nos == []
    assert found.vectors.size == 0


async def test_openings_tell_which_terms_they_hold(
    store: Store, owner: Owner, make_owner: Callable[[], Awaitable[Owner]]
) -> None:
    base = await make_base(store, owner.workspace_id)
    texts = ["annual report", "apple", "plum"]
    document_id = await add_document(store, base, texts)
    asked = ["report", "appl", "plum", "pear"]
    async with store.unit(owner.workspace_id) as unit:
        found = await unit.measures.opening_terms([document_id], asked)
    assert found == {document_id: {"report", "appl"}}
    async with store.unit((await make_owner()).workspace_id) as unit:
        assert await unit.measures.opening_terms([document_id], asked) == {}
