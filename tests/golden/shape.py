"""What a row of the table of shapes says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.pipelines.shapes import block


@dataclass(frozen=True)
class Shape:
    """``ends`` tells how each block ended: ``a+`` success, ``a-`` skipped, ``a!`` error.

    ``answers`` are what people say, by block and iteration.
    """

    raw: dict[str, Any]
    given: Any
    ends: str
    output: Any
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def statuses(self) -> dict[str, str]:
        signs = {"+": "success", "-": "skipped", "!": "error"}
        return {word[:-1]: signs[word[-1]] for word in self.ends.split()}


def condition(name: str, *cases: tuple[str, str], **fields: Any) -> dict[str, Any]:
    conditions = [{"id": case, "title": case, "value": value} for case, value in cases]
    return block(name, "condition", conditions=conditions, **fields)


CHECK = condition("check", ("big", "<start.n> > 10"))
FAILING = condition("bad", ("x", "1 / 0"))
"""A block that always fails."""
