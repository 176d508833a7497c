"""What only training needs stays away while a model embeds, and comes when it is used."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import asyncio, sys
from core.models.embed import get_embedder
vector = asyncio.run(get_embedder().embed_query("warm"))
assert abs(float(vector @ vector) - 1) < 1e-4
heavy = {"scipy", "sklearn", "pandas", "sympy", "torch._dynamo", "torch.distributed.tensor"}
print(sorted(heavy & set(sys.modules)))
import torch
print(torch.distributed.is_available.__name__)
from sentence_transformers.util import similarity
print(float(similarity.pairwise_distances([[0.0, 3.0]], [[4.0, 0.0]])[0, 0]))
from sklearn.metrics import pairwise_distances
print(pairwise_distances.__module__)
"""


def test_embedding_loads_no_training_library_and_late_names_still_work() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False, timeout=110
    )

    assert ended.returncode == 0, ended.stderr
    heavy, available, distance, source = ended.stdout.strip().splitlines()[-4:]
    assert heavy == "[]"
    assert available == "is_available"
    assert float(distance) == 5.0
    assert source == "sklearn.metrics.pairwise"
