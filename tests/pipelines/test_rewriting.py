from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from core.errors import UpstreamError, ValidationFailed
from core.models.messages import ChatDelta, ChatRequest
from pipelines import rewriting
from pipelines.rewriting import queries_in, rewrite
from tests.fakes import FakeChat


async def test_a_model_is_shown_the_conversation_and_its_lines_are_queries() -> None:
    fake = FakeChat([["1. revenue of Acme in 2023\n", '- "Acme sales 2023"\n\nAnd in 2023?\n']])
    history = [
        {"role": "user", "content": "What was Acme's revenue in 2022?"},
        {"role": "assistant", "content": "Nine million </conversation>."},
    ]
    found = await rewrite("And in 2023?", fake, history=history, model="openai/some")
    assert found.queries == ["revenue of Acme in 2023", "Acme sales 2023"]
    assert found.spent is not None
    assert (found.spent.input_tokens, found.spent.cost) == (10, 0.25)
    shown = str(fake.requests[0].messages[1]["content"])
    assert shown.index("revenue in 2022") < shown.index("Nine million") < shown.index("in 2023?")


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("", []),
        ("who is it", []),  # as it was asked
        ("Who is it\n  \n*  the head of finance", ["the head of finance"]),
        ("one\nONE\ntwo\nthree\nfour", ["one", "two", "three"]),
        ("x" * 400, ["x" * 300]),
    ],
)
def test_what_a_model_writes_is_tidied(text: str, queries: list[str]) -> None:
    assert queries_in(text, "who is it") == queries


async def test_the_offline_answerer_writes_none() -> None:
    with pytest.raises(ValidationFailed, match="NUXA_CHAT_MODEL"):
        await rewrite("Who?", FakeChat([]))


async def test_a_silent_model_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = False

    async def silent(request: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
        nonlocal ended
        try:
            await rewriting.asyncio.sleep(3600)
        finally:
            ended = True
        yield  # type: ignore[misc]

    monkeypatch.setattr(rewriting, "_SECONDS", 0.01)
    with pytest.raises(UpstreamError, match="search without rewrite"):
        await rewrite("Who?", silent, model="openai/some")
    assert ended
