"""Haystack components over the service: they work, and survive YAML."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any

import pytest
from haystack import Document, Pipeline
from haystack.components.agents import Agent
from haystack.components.builders import ChatPromptBuilder
from haystack.dataclasses import ChatMessage
from haystack.tools import tool

from core.config import Settings
from core.errors import NotFound
from core.models.messages import ChatDelta, ChatRequest, Finished, TextDelta, ToolCall
from core.services import Services
from core.store.unit import Store
from pipelines.components.cited_answer_builder import CitedAnswerBuilder
from pipelines.components.cross_encoder_ranker import CrossEncoderRanker
from pipelines.components.document_embedder import DocumentEmbedder
from pipelines.components.embedding_retriever import EmbeddingRetriever
from pipelines.components.hybrid_retriever import HybridRetriever
from pipelines.components.keyword_retriever import KeywordRetriever
from pipelines.components.service_chat_generator import ServiceChatGenerator
from pipelines.components.service_tools import load_tools
from pipelines.components.text_embedder import TextEmbedder
from pipelines.document_store import KnowledgeDocumentStore
from pipelines.workspace_access import WorkspaceAccess, use_workspace
from tests.conftest import Owner
from tests.haystack_store import SearchEmbedder, add_base

MODULES = ["pipelines.document_store", "pipelines.components.*"]
WALRUS = Document(id="1", content="The walrus and the carpenter were walking.", meta={"year": 1871})
SNARK = Document(id="2", content="The snark was a boojum.", meta={"year": 1876})


@pytest.fixture(autouse=True)
def embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (
        "pipelines.knowledge_documents",
        "pipelines.search",
        "pipelines.components.text_embedder",
        "pipelines.components.document_embedder",
    ):
        monkeypatch.setattr(f"{module}.get_embedder", lambda *_, **__: SearchEmbedder())


@pytest.fixture
def access(store: Store, settings: Settings, owner: Owner) -> WorkspaceAccess:
    return WorkspaceAccess(owner.workspace_id, settings)


@pytest.fixture
async def documents(access: WorkspaceAccess, store: Store) -> KnowledgeDocumentStore:
    base_id = await add_base(store, access.workspace_id)
    with use_workspace(access):
        found = KnowledgeDocumentStore(base_id)
    await found.write_documents_async([WALRUS, SNARK])
    return found


def _reload(pipeline: Pipeline, access: WorkspaceAccess) -> Pipeline:
    yaml = pipeline.dumps()
    with use_workspace(access):
        loaded = Pipeline.loads(yaml, allowed_modules=MODULES)
    assert loaded.dumps() == yaml
    return loaded


async def test_retrievers_loaded_from_yaml_find_the_same(
    documents: KnowledgeDocumentStore, access: WorkspaceAccess
) -> None:
    pipeline = Pipeline()
    pipeline.add_component("hybrid", HybridRetriever(documents, top_k=1))
    pipeline.add_component("keyword", KeywordRetriever(documents))
    pipeline.add_component("text_embedder", TextEmbedder())
    pipeline.add_component("embedding", EmbeddingRetriever(documents, top_k=2))
    pipeline.connect("text_embedder.embedding", "embedding.query_embedding")
    inputs: dict[str, Any] = {
        "hybrid": {"query": "walrus"},
        "keyword": {"query": "boojum"},
        "text_embedder": {"text": "carpenter"},
    }
    for each in (pipeline, _reload(pipeline, access)):
        for found in (await each.run_async(inputs), await asyncio.to_thread(each.run, inputs)):
            ids = {name: [d.id for d in found[name]["documents"]] for name in found}
            assert ids == {"hybrid": ["1"], "keyword": ["2"], "embedding": ["1", "2"]}


async def test_retrievers_with_filters_find_matching_documents_only(
    documents: KnowledgeDocumentStore,
) -> None:
    late = {"field": "meta.year", "operator": ">", "value": 1875}
    hybrid = await HybridRetriever(documents, filters=late).run_async("walrus")
    keyword = await KeywordRetriever(documents).run_async("walrus", late)
    vector = (await TextEmbedder().run_async("walrus"))["embedding"]
    embedding = await EmbeddingRetriever(documents).run_async(vector, late)
    assert [document.id for document in hybrid["documents"]] == ["2"]
    assert [document.id for document in embedding["documents"]] == ["2"]
    assert keyword["documents"] == []


async def test_document_embedder_adds_embeddings(access: WorkspaceAccess) -> None:
    pipeline = Pipeline()
    pipeline.add_component("embedder", DocumentEmbedder("words"))
    inputs = {"embedder": {"documents": [WALRUS, SNARK]}}
    found = await _reload(pipeline, access).run_async(inputs)
    embedded = found["embedder"]["documents"]
    assert [document.id for document in embedded] == ["1", "2"]
    assert {len(document.embedding) for document in embedded} == {768}
    assert await asyncio.to_thread(pipeline.run, inputs) == found


class FakeReranker:
    async def scores(self, question: str, passages: Sequence[str], _: str = "") -> list[float]:
        return [float(question in passage) for passage in passages]


async def test_cross_encoder_ranker_orders_documents(
    access: WorkspaceAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline()
    pipeline.add_component("ranker", CrossEncoderRanker(top_k=1))
    inputs = {"ranker": {"query": "snark", "documents": [WALRUS, SNARK]}}
    with pytest.raises(Exception, match="NUXA_RERANK_MODEL"):
        await pipeline.run_async(inputs)
    monkeypatch.setattr(
        "pipelines.components.cross_encoder_ranker.get_reranker", lambda: FakeReranker()
    )
    found = await _reload(pipeline, access).run_async(inputs)
    (first,) = found["ranker"]["documents"]
    assert (first.id, first.score) == ("2", 1.0)


async def test_cited_answer_builder_keeps_supported_marks_only(access: WorkspaceAccess) -> None:
    pipeline = Pipeline()
    pipeline.add_component("builder", CitedAnswerBuilder())
    reply = "The snark was a boojum [2]. It weighed 400 pounds [9]."
    inputs = {"query": "What was it?", "replies": [reply], "documents": [WALRUS, SNARK]}
    found = await _reload(pipeline, access).run_async({"builder": inputs})
    (answer,) = found["builder"]["answers"]
    assert answer.data == "The snark was a boojum [2]. It weighed 400 pounds."
    (cited,) = answer.documents
    assert cited.id == "2"
    (citation,) = cited.meta["citations"]
    assert citation["n"] == 2 and citation["quote"] in SNARK.content


class FakeChat:
    """Stands in for the chat models: asks for the weather, then says what it was told."""

    def __init__(self) -> None:
        self.requests: list[ChatRequest] = []

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
        self.requests.append(request)
        last = request.messages[-1]
        if request.tools and last["role"] != "tool":
            yield ToolCall("call_1", "look_up_weather", '{"city": "Berlin"}')
            yield Finished("fake", "tool_calls", 5, 2, None)
            return
        yield TextDelta("It is ")
        yield TextDelta(f"said: {last['content']}")
        yield Finished("fake", "stop", 7, 3, 0.25)


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> FakeChat:
    fake = FakeChat()
    monkeypatch.setattr("core.models.chat.stream", fake.stream)
    return fake


async def test_chat_generator_in_pipeline_replies_and_streams(
    access: WorkspaceAccess, chat: FakeChat
) -> None:
    with use_workspace(access):
        generator = ServiceChatGenerator("openai/gpt", {"temperature": 0.5, "top_p": 0.1})
    pipeline = Pipeline()
    pipeline.add_component("prompt", ChatPromptBuilder([ChatMessage.from_user("Say {{ what }}")]))
    pipeline.add_component("llm", generator)
    pipeline.connect("prompt.prompt", "llm.messages")
    loaded = _reload(pipeline, access)
    heard: list[str] = []

    async def hear(chunk: Any) -> None:
        heard.append(chunk.content)

    given = {"prompt": {"what": "hello"}, "llm": {"streaming_callback": hear}}
    found = await loaded.run_async(given)
    (reply,) = found["llm"]["replies"]
    assert reply.text == "".join(heard) == "It is said: Say hello"
    assert reply.meta["usage"]["cost"] == 0.25
    (request,) = chat.requests
    assert (request.model, request.temperature) == ("openai/gpt", 0.5)
    assert request.parameters == {"top_p": 0.1}
    found = await asyncio.to_thread(pipeline.run, {"prompt": {"what": "again"}})
    assert found["llm"]["replies"][0].text == "It is said: Say again"


async def test_service_tools_are_called_in_the_workspace(
    services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    async def call(_: Services, workspace_id: str, name: str, arguments: Any) -> Any:
        calls.append((workspace_id, name, arguments))
        return {"status": 200}

    monkeypatch.setattr("pipelines.tools.call", call)
    (http,) = await load_tools(services, owner.workspace_id, ["http_request"])
    assert await http.invoke_async(url="https://example.org") == {"status": 200}
    assert await asyncio.to_thread(http.invoke, url="https://example.org") == {"status": 200}
    assert calls == [(owner.workspace_id, "http_request", {"url": "https://example.org"})] * 2
    with pytest.raises(NotFound):
        await load_tools(services, owner.workspace_id, ["unknown"])


@tool
def look_up_weather(city: Annotated[str, "Where"]) -> str:
    """Tell the weather."""
    return f"rain in {city}"


async def test_chat_generator_in_stock_agent_calls_tools(
    access: WorkspaceAccess, chat: FakeChat
) -> None:
    with use_workspace(access):
        agent = Agent(chat_generator=ServiceChatGenerator(), tools=[look_up_weather])
    found = await agent.run_async([ChatMessage.from_user("How is the weather in Berlin?")])
    assert found["last_message"].text == "It is said: rain in Berlin"
    assert [each.name for each in chat.requests[0].tools] == ["look_up_weather"]
