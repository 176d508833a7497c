"""BM25 in SQL: over all chunks that a question's words lead to, and of given chunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.store.allowed import Allowed
from core.store.values import Values


@dataclass(frozen=True)
class Sought:
    """A question's words with their weights, the inverse document frequencies.

    Chunks are found by the ``finding`` words; all words count for their scores. ``saturation`` is
    BM25's ``k1 * (1 - b + b * length / mean)`` as a constant and a share for each word of a chunk.
    """

    finding: Mapping[str, float]
    lifting: Mapping[str, float]
    saturation: tuple[float, float]

    @property
    def all(self) -> dict[str, float]:
        return {**self.finding, **self.lifting}


def scores(
    base_nos: Sequence[int], weights: Mapping[str, float], words: Sought, among: str, values: Values
) -> str:
    """Return the query for ``(chunk_no, score)`` by some words, of chunks that hold any of them.

    ``among`` is a condition on ``chunk_no``. Each word's postings are sought by themselves
    (``OFFSET 0`` keeps the planner from thinking of something else): it has no idea of a base that
    was just filled.
    """
    constant, share = (values.put(number) for number in words.saturation)
    return f"""
        SELECT p.chunk_no, sum(w.weight * p.frequency
            / (p.frequency + {constant}::float8 + {share}::float8 * p.length)) AS score
        FROM unnest({values.put_array(weights, "text")},
            {values.put_array(weights.values(), "float8")}) AS w (term, weight)
        CROSS JOIN LATERAL (
            SELECT chunk_no, frequency, length FROM postings
            WHERE base_no = ANY({values.put_array(base_nos, "bigint")}) AND term = w.term
                {among} OFFSET 0
        ) AS p GROUP BY p.chunk_no
    """  # noqa: S608 - the condition is our own, its values are numbered


def best_sql(
    base_nos: Sequence[int], words: Sought, limit: int, allowed: Allowed | None, values: Values
) -> str:
    """Return the query for ``(chunk_no, score)`` of the chunks with the highest BM25, best first.

    The finding words lead to them; where others are left, each is then scored by all.
    """
    if allowed is not None and allowed.is_handful:
        among = f"AND {allowed.holds('chunk_no', values)}"
        return _first(scores(base_nos, words.all, words, among, values), limit, None, values)
    if not words.lifting:
        every = scores(base_nos, words.finding, words, "", values)
        return _first(every, limit, allowed, values)
    found = scores(base_nos, words.finding, words, "", values)
    among = "AND chunk_no = ANY(ARRAY(SELECT chunk_no FROM found))"
    return f"""
        WITH found AS MATERIALIZED ({_first(found, limit, allowed, values)})
        SELECT chunk_no, found.score + coalesce(more.score, 0) AS score FROM found
        LEFT JOIN ({scores(base_nos, words.lifting, words, among, values)}) AS more
            USING (chunk_no)
        ORDER BY score DESC, chunk_no LIMIT {int(limit)}
    """  # noqa: S608 - parts of our own, their values are numbered


def _first(every: str, limit: int, allowed: Allowed | None, values: Values) -> str:
    """Return the query for the best of all scored chunks; whether one is allowed is asked from the
    best on."""
    condition = "" if allowed is None else f"WHERE {allowed.holds('s.chunk_no', values)}"
    # The order is said twice: a join with a list of numbers need not keep that of what it reads.
    return f"""
        SELECT s.chunk_no, s.score FROM ({every} ORDER BY score DESC, chunk_no OFFSET 0) AS s
        {condition} ORDER BY s.score DESC, s.chunk_no LIMIT {int(limit)}
    """  # noqa: S608 - parts of our own, their values are numbered
