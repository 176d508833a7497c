"""The judge of cited statements."""

from __future__ import annotations

import pytest

from evals.support_judge import cited_statements, judge_answers
from tests.fakes import FakeChat

ROW = {
    "id": "q1",
    "content": "Profit was 5. [1]\nIt rained.\nRent fell [1, 2].",
    "citations": [{"n": 1, "quote": "a profit of 5"}, {"n": 2, "quote": "the rent is lower"}],
}


def test_cited_statements_pairs_lines_with_their_quotes() -> None:
    assert list(cited_statements(ROW["content"], ROW["citations"])) == [  # type: ignore[arg-type]
        ("Profit was 5.", "a profit of 5"),
        ("Rent fell.", "a profit of 5\nthe rent is lower"),
    ]


async def test_judge_answers_counts_the_supported_statements() -> None:
    judge = FakeChat([['{"supported": true}'], ['{"supported": false}']])
    found = await judge_answers([ROW], {"q1": "How much?"}, judge, "openai/judge")
    assert found == {"right": 1, "of": 2}
    assert "a profit of 5" in str(judge.requests[0].messages)


async def test_judge_answers_with_another_reply_raises() -> None:
    with pytest.raises(ValueError, match="did not say"):
        await judge_answers([ROW], {"q1": "How much?"}, FakeChat([['{"a": 1}']]), "openai/judge")
