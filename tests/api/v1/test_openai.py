"""OpenAI's own client against ours, by base URL and key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import openai
import pytest

from core.services import Services
from tests.api.conftest import Member
from tests.bases import write_base

LUNCH = "Lunch is served at noon in the canteen on the ground floor."
ASKED: Any = [{"role": "user", "content": "When is lunch served?"}]
MODEL = "nuxa/extractive"


@pytest.fixture
async def client(member: Member) -> AsyncIterator[openai.AsyncOpenAI]:
    key, url = member.program.headers["x-api-key"], f"{member.program.base_url}/api/v1"
    async with openai.AsyncOpenAI(api_key=key, base_url=url) as opened:
        yield opened


async def test_a_completion_is_answered_from_documents_with_citations(
    client: openai.AsyncOpenAI, member: Member, services: Services
) -> None:
    base_id = await write_base(services.store, member.workspace_id, LUNCH)
    answer = await client.chat.completions.create(
        model=MODEL, messages=ASKED, extra_body={"knowledgeBaseIds": [base_id]}
    )
    message = answer.choices[0].message
    assert message.content == f"{LUNCH} [1]"  # and no notice
    (citation,) = message.model_extra["citations"]
    assert (citation["n"], citation["quote"]) == (1, LUNCH)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage
    assert answer.usage.total_tokens > 0


async def test_a_stream_gives_the_same_with_each_citation_before_its_mark(
    client: openai.AsyncOpenAI, member: Member, services: Services
) -> None:
    await write_base(services.store, member.workspace_id, LUNCH)
    text, cited_at = "", -1
    options: Any = {"include_usage": True}
    stream = await client.chat.completions.create(
        model=MODEL, messages=ASKED, stream=True, stream_options=options
    )
    chunks = [chunk async for chunk in stream]
    for chunk in chunks[:-1]:
        delta = chunk.choices[0].delta
        if (delta.model_extra or {}).get("citations"):
            cited_at = len(text)
        text += delta.content or ""
    assert text == f"{LUNCH} [1]"
    assert 0 <= cited_at <= text.index("[1]")
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage


async def test_a_secret_that_stands_in_a_document_is_not_told(
    client: openai.AsyncOpenAI, member: Member, services: Services
) -> None:
    async with services.store.unit(member.workspace_id) as unit:
        await unit.secrets.put("PLACE", services.sealer.seal("ground floor"))
    await write_base(services.store, member.workspace_id, LUNCH)
    answer = await client.chat.completions.create(model=MODEL, messages=ASKED)
    hidden = LUNCH.replace("ground floor", "{{PLACE}}")
    message = answer.choices[0].message
    assert str(message.content).startswith(f"{hidden} [1]")
    assert message.model_extra["citations"][0]["quote"] == hidden


async def test_no_bases_means_no_search(
    client: openai.AsyncOpenAI, member: Member, services: Services
) -> None:
    await write_base(services.store, member.workspace_id, LUNCH)
    answer = await client.chat.completions.create(
        model=MODEL, messages=ASKED, extra_body={"knowledgeBaseIds": []}
    )
    assert LUNCH not in str(answer.choices[0].message.content)


async def test_embeddings_come_in_both_encodings(client: openai.AsyncOpenAI) -> None:
    model, texts = "all-MiniLM-L6-v2", ["a slipway", "a canteen"]
    packed = await client.embeddings.create(model=model, input=texts)  # base64 by itself
    plain = await client.embeddings.create(model=model, input=texts, encoding_format="float")
    assert [row.index for row in plain.data] == [0, 1]
    assert np.linalg.norm(plain.data[0].embedding) == pytest.approx(1, abs=1e-5)
    for some, other in zip(packed.data, plain.data, strict=True):
        assert some.embedding == pytest.approx(other.embedding, abs=1e-6)


async def test_models_are_those_on_offer_and_no_other(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == [MODEL]
    with pytest.raises(openai.BadRequestError) as told:
        await client.chat.completions.create(model="gpt-4o", messages=ASKED)
    assert told.value.code == "VALIDATION_ERROR"


async def test_only_keys_come_in(member: Member) -> None:
    asked = {"model": MODEL, "messages": ASKED}
    answer = await member.browser.post("/api/v1/chat/completions", json=asked)
    assert answer.status_code == 403
