"""Knowledge bases as Haystack's document stores, for tests: a workspace that lasts for a module."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
from haystack import Document
from numpy.typing import NDArray

from core.config import Settings
from core.ids import new_id
from core.store.knowledge_bases import KnowledgeBase
from core.store.unit import Store
from core.store.users import User
from core.store.workspaces import Member, Workspace
from pipelines.document_store import KnowledgeDocumentStore
from pipelines.workspace_access import WorkspaceAccess, use_workspace
from tests.knowledge import embedded

DIMENSIONS = 768  # what Haystack's tests write


class FakeEmbedder:
    """Stands in for an embedding model; texts that share words are near."""

    def __init__(self, dimensions: int = DIMENSIONS) -> None:
        self.dimensions = dimensions

    async def embed_documents(
        self, texts: Sequence[str], workspace_id: str = ""
    ) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            vector = embedded(text)
            row[: len(vector)] = vector
        return vectors

    async def count_tokens(self, texts: Sequence[str], workspace_id: str = "") -> list[int]:
        return [len(text.split()) for text in texts]


class SearchEmbedder(FakeEmbedder):
    """Embeds questions too, as the search asks."""

    is_crowded = False

    def begin_query(self, text: str, workspace_id: str = "") -> Future[Any]:
        return Future()

    async def embed_query(self, text: str, workspace_id: str = "") -> Any:
        return (await self.embed_documents([text]))[0]


async def add_workspace(store: Store) -> str:
    """Write a user with a workspace and return the workspace's id."""
    user_id, workspace_id = new_id("usr"), new_id("ws")
    async with store.system() as unit:
        unit.users.add(User(id=user_id, email=f"{user_id}@example.com", name="Olga Owner"))
        await unit.flush()
        unit.workspaces.add(
            Workspace(id=workspace_id, name="Office", plan="enterprise", owner_id=user_id)
        )
        await unit.flush()
        unit.workspaces.add_member(Member(workspace_id=workspace_id, user_id=user_id, role="owner"))
    return workspace_id


async def add_base(
    store: Store, workspace_id: str, dimensions: int = DIMENSIONS, model: str = "fake"
) -> str:
    """Write an empty knowledge base and return its id."""
    base = KnowledgeBase(
        id=new_id("kb"), name="Base", embedding_model=model, embedding_dimensions=dimensions
    )
    async with store.unit(workspace_id) as unit:
        unit.bases.add(base)
    return base.id


def open_document_store(
    settings: Settings, workspace_id: str, base_id: str, store: Store | None = None
) -> KnowledgeDocumentStore:
    """Return a document store; with ``store`` its async methods work on the running loop."""
    loop = None if store is None else asyncio.get_running_loop()
    with use_workspace(WorkspaceAccess(workspace_id, settings, store=store, loop=loop)):
        return KnowledgeDocumentStore(base_id)


def assert_documents_are_equal(received: list[Document], expected: list[Document]) -> None:
    """Assert equality, of embeddings as exact as half precision keeps them."""
    for one, other in zip(received, expected, strict=True):
        same = one.to_dict(flatten=False) | {"embedding": None}
        assert same == other.to_dict(flatten=False) | {"embedding": None}
        if other.embedding is None:
            assert one.embedding is None
        else:
            np.testing.assert_allclose(one.embedding, other.embedding, rtol=2e-3, atol=1e-5)
