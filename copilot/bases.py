"""Which bases a turn searches: those its caller named, or all of the workspace's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.store.hits import SearchedBase
from core.store.unit import Unit

MOST_BASES: Final = 200


async def bases_of(unit: Unit, base_ids: Sequence[str]) -> list[SearchedBase]:
    """Return the bases to search; none named means all that hold anything.

    Raises ``NotFound`` for a base that is not in the workspace.
    """
    if base_ids:
        return await unit.hits.bases(base_ids)
    return await unit.hits.filled_bases(MOST_BASES)
