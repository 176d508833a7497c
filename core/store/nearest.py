"""The query for the chunks nearest to a vector: exact, or by the HNSW indexes of large bases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import pydantic_core
from numpy.typing import NDArray

from core.store.allowed import Allowed
from core.store.values import Values

_EF_SEARCH_MOST: Final = 1000  # pgvector's own limit
_EF_SEARCH_LEAST: Final = 200  # with less, what is nearest to a far question is missed
_MOST_FROM_INDEX: Final = 250  # more are looked for exactly


class IndexedBase(Protocol):
    """What is known of a base whose vectors are looked through."""

    @property
    def vector_set(self) -> int: ...

    @property
    def embedding_dimensions(self) -> int: ...

    @property
    def has_vector_index(self) -> bool: ...


@dataclass(frozen=True)
class Nearest:
    """The ``limit`` chunks of some bases nearest to ``vector`` by cosine, of those ``allowed``.

    Exact but for bases with a vector index, whose index is asked unless few chunks are allowed, or
    ``is_exact``. An index may give fewer than there are where a filter lets few through.
    """

    bases: Sequence[IndexedBase]
    vector: NDArray[np.float32]
    limit: int
    allowed: Allowed | None = None
    is_exact: bool = False

    def sql(self, values: Values) -> str:
        """Return the query for ``(chunk_no, distance)``, best first, and put its values in."""
        asked, limit = values.put(vector_literal(self.vector)), str(int(self.limit))
        scanned = [base.vector_set for base in self.bases if not self._is_indexed(base)]
        parts = [self._scan(scanned, asked, limit, values)] if scanned else []
        parts += [self._index(b, asked, limit, values) for b in self.bases if self._is_indexed(b)]
        if len(parts) == 1:
            return parts[0]
        union = " UNION ALL ".join(f"({part})" for part in parts)
        return f"SELECT * FROM ({union}) AS some ORDER BY distance LIMIT {limit}"  # noqa: S608

    def is_short(self, count: int) -> bool:
        """Whether so few found may be because a filter dropped what an index gave."""
        filtered = self.allowed is not None and any(map(self._is_indexed, self.bases))
        return filtered and count < self.limit

    def _is_indexed(self, base: IndexedBase) -> bool:
        is_listed = self.allowed is not None and self.allowed.nos is not None
        may = not self.is_exact and not is_listed and self.limit <= _MOST_FROM_INDEX
        return may and base.has_vector_index

    def _scan(self, sets: Sequence[int], asked: str, limit: str, values: Values) -> str:
        return f"""
            SELECT v.chunk_no, v.embedding <=> {_read(asked, "halfvec")} AS distance
            FROM vectors AS v WHERE v.base_no = ANY({values.put_array(sets, "bigint")})
            {self._condition(values)} ORDER BY distance LIMIT {limit}
        """  # noqa: S608 - the condition is our own, its values are numbered

    def _index(self, base: IndexedBase, asked: str, limit: str, values: Values) -> str:
        """Ask a base's own index; under a filter it goes on until there are enough.

        Numbers are written out: only then the planner sees that the partial index fits. How far
        the index looks is set before it is asked, for this transaction.
        """
        kind = f"halfvec({int(base.embedding_dimensions)})"
        breadth = values.put(str(min(max(2 * self.limit, _EF_SEARCH_LEAST), _EF_SEARCH_MOST)))
        mode = "off" if self.allowed is None else "strict_order"
        return f"""
            SELECT found.* FROM (SELECT set_config('hnsw.ef_search', {breadth}, true),
                set_config('hnsw.iterative_scan', '{mode}', true)) AS tuned (breadth, mode)
            CROSS JOIN LATERAL (
                SELECT v.chunk_no, v.embedding::{kind} <=> {_read(asked, kind)} AS distance
                FROM vectors AS v WHERE v.base_no = {int(base.vector_set)}
                AND tuned.breadth IS NOT NULL AND tuned.mode IS NOT NULL {self._condition(values)}
                ORDER BY distance LIMIT {limit}
            ) AS found
        """  # noqa: S608 - numbers, and a condition whose values are numbered

    def _condition(self, values: Values) -> str:
        return "" if self.allowed is None else f"AND {self.allowed.holds('v.chunk_no', values)}"


def vector_literal(vector: NDArray[np.float32]) -> str:
    """Return a vector as pgvector reads it."""
    return pydantic_core.to_json(vector.tolist()).decode()


def _read(place: str, kind: str) -> str:
    """Return the vector asked for. A query of its own, it is read once: otherwise the plan that
    PostgreSQL keeps from the sixth call on reads its text for each row."""
    return f"(SELECT CAST({place}::text AS {kind}))"
