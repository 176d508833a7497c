"""The values of a statement for the driver, numbered as they are put in."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import CompoundSelect, Select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

_DIALECT: Final = PGDialect_asyncpg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_NUMBER: Final = re.compile(r"\$(\d+)")


class Values(list[Any]):
    """Values in the order of their numbers; a statement of parts is written around them."""

    def put(self, value: Any) -> str:
        """Add a value; return its place, ``$1`` for the first."""
        self.append(value)
        return f"${len(self)}"

    def put_array(self, value: Collection[Any], kind: str) -> str:
        """Add an array of a type; return it as a query of its own, in brackets.

        So it is planned alike whatever its length, and PostgreSQL keeps the plan from the sixth
        call on: planning takes as long as a quarter of a search's statement. Whole numbers go as
        text: the driver asks of each element of an array whether it is one itself.
        """
        if kind == "bigint":
            place = self.put("{" + ",".join(map(str, value)) + "}") + "::text"
        else:
            place = self.put(list(value))
        return f"(SELECT {place}::{kind}[])::{kind}[]"

    def put_query(self, query: Select[Any] | CompoundSelect[Any]) -> str:
        """Add a query's values; return it as text with their places."""
        compiled = query.compile(dialect=_DIALECT)
        before = len(self)
        self.extend(compiled.params[name] for name in compiled.positiontup or ())
        return _NUMBER.sub(lambda found: f"${int(found[1]) + before}", compiled.string)
