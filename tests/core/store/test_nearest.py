"""How far an index of vectors is looked through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from core.store.nearest import Nearest
from core.store.values import Values


@dataclass
class Indexed:
    vector_set: int = 7
    embedding_dimensions: int = 3
    has_vector_index: bool = True


@pytest.mark.parametrize(("limit", "breadth"), [(10, "200"), (48, "200"), (150, "300")])
def test_few_are_sought_as_far_as_many(limit: int, breadth: str) -> None:
    values = Values()
    sql = Nearest([Indexed()], np.ones(3, np.float32), limit).sql(values)
    assert f"LIMIT {limit}" in sql
    assert values[1] == breadth


def test_more_than_an_index_gives_are_sought_exactly() -> None:
    sql = Nearest([Indexed()], np.ones(3, np.float32), 300).sql(Values())
    assert "hnsw" not in sql
