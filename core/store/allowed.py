"""Which chunks a search may find: a filter, evaluated once a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Select, text

from core.store.values import Values

MOST: Final = 30_000  # chunks that are listed; of more each is asked whether it counts
_HANDFUL: Final = 1_000  # so few that words are sought among them alone


@dataclass(frozen=True)
class Allowed:
    """The chunks that count: all their numbers, or, where these are too many, the query for them.

    Few are searched exactly. Of many every tenth or so counts, so that whoever goes through chunks
    from the best on soon has enough.
    """

    query: Select[Any]
    nos: Sequence[int] | None

    @property
    def is_handful(self) -> bool:
        """Whether all of them can be scored by every word of a question."""
        return self.nos is not None and len(self.nos) <= _HANDFUL

    @cached_property
    def _listed(self) -> str:
        """All numbers as text, which the driver sends at once, and an array number by number."""
        return "{" + ",".join(map(str, self.nos or ())) + "}"

    def holds(self, column: str, values: Values) -> str:
        """Return the condition that the chunk numbered in a column counts."""
        if self.nos is not None:
            # No ``= ANY``: a plan that is kept would go through the list for each row.
            return f"{column} IN (SELECT unnest({values.put(self._listed)}::text::bigint[]))"
        # Kept a query of its own (``OFFSET 0``): asked for each row, as the rows come.
        one = values.put_query(self.query.where(text(f"chunks.no = {column}")))
        return f"EXISTS ({one} OFFSET 0)"
