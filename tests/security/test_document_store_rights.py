"""A document store of Haystack reaches the knowledge bases of its own workspace alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from haystack import Document, Pipeline
from haystack.components.writers import DocumentWriter
from haystack.document_stores.types import DuplicatePolicy

import tests.conftest as shared
from core.config import Settings
from core.errors import Forbidden, NotFound, NuxaError, Unauthorized
from core.ids import new_id
from core.security import hash_token, new_token
from core.store.api_keys import ApiKey
from core.store.base import now
from core.store.unit import Store
from pipelines.document_store import KnowledgeDocumentStore
from pipelines.workspace_access import WorkspaceAccess, open_workspace, use_workspace
from tests.conftest import Owner
from tests.haystack_store import FakeEmbedder, add_base, open_document_store

settings = shared.settings  # those of the environment, as a program has them
MakeOwner = Callable[[], Awaitable[Owner]]
ANY = {"field": "meta.secret", "operator": "==", "value": True}


@pytest.fixture(autouse=True)
def embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pipelines.knowledge_documents.get_embedder", lambda _model, bulk: FakeEmbedder()
    )


async def _add_key(store: Store, owner: Owner, *scopes: str, is_expired: bool = False) -> str:
    key = new_token("nuxa_")
    row = ApiKey(
        id=new_id("key"),
        workspace_id=owner.workspace_id,
        user_id=owner.user_id,
        name="Script",
        key_hash=hash_token(key),
        preview=key[:8],
        scopes=list(scopes),
        expires_at=now() - timedelta(minutes=1) if is_expired else None,
    )
    async with store.unit(owner.workspace_id) as unit:
        unit.api_keys.add(row)
    return key


async def test_document_store_on_base_of_other_workspace_reads_and_writes_nothing(
    store: Store, settings: Settings, make_owner: MakeOwner
) -> None:
    mine, theirs = await make_owner(), await make_owner()
    base_id = await add_base(store, theirs.workspace_id)
    own = open_document_store(settings, theirs.workspace_id, base_id, store)
    secret = Document(id="1", content="the secret of the others", meta={"secret": True})
    await own.write_documents_async([secret])

    other = open_document_store(settings, mine.workspace_id, base_id, store)
    attempts = [
        lambda: other.count_documents_async(),
        lambda: other.filter_documents_async(),
        lambda: other.search_async("secret", "keyword"),
        lambda: other.find_nearest_async([1.0] * 768),
        lambda: other.write_documents_async([secret], DuplicatePolicy.OVERWRITE),
        lambda: other.delete_documents_async(["1"]),
        lambda: other.delete_all_documents_async(),
        lambda: other.delete_by_filter_async(ANY),
        lambda: other.update_by_filter_async(ANY, {"secret": False}),
        lambda: other.count_documents_by_filter_async(ANY),
        lambda: other.count_unique_metadata_by_filter_async({}, ["secret"]),
        lambda: other.get_metadata_fields_info_async(),
        lambda: other.get_metadata_field_min_max_async("secret"),
        lambda: other.get_metadata_field_unique_values_async("secret"),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            await attempt()
    with pytest.raises(NotFound):
        await asyncio.to_thread(other.filter_documents)
    assert await own.count_documents_by_filter_async(ANY) == 1


async def test_document_stores_of_two_workspaces_with_equal_ids_stay_apart(
    store: Store, settings: Settings, make_owner: MakeOwner
) -> None:
    stores = []
    for _ in range(2):
        owner = await make_owner()
        base_id = await add_base(store, owner.workspace_id)
        stores.append(open_document_store(settings, owner.workspace_id, base_id, store))
    for number, each in enumerate(stores):
        await each.write_documents_async([Document(id="1", content=f"walrus {number}")])
    await stores[0].delete_all_documents_async()
    assert await stores[0].filter_documents_async() == []
    (left,) = await stores[1].filter_documents_async()
    assert left.content == "walrus 1"


async def test_document_with_chunk_id_of_other_base_leaves_that_chunk(
    store: Store, settings: Settings, make_owner: MakeOwner
) -> None:
    owner = await make_owner()
    first, second = [
        open_document_store(
            settings, owner.workspace_id, await add_base(store, owner.workspace_id), store
        )
        for _ in range(2)
    ]
    await first.write_documents_async([Document(id="1", content="of the first")])
    async with store.unit(owner.workspace_id) as unit:
        base = await unit.bases.get(first.base)
        assert base is not None
        (hit,) = await unit.hits.matching([base.id], None)
    taken = Document(
        id=hit.id, content="of the second", meta={"documentId": hit.document_id, "x": 1}
    )
    await second.write_documents_async([taken], DuplicatePolicy.OVERWRITE)
    await second.delete_documents_async([hit.id, "1"])
    assert [each.content for each in await first.filter_documents_async()] == ["of the first"]


async def test_yaml_that_names_base_of_other_workspace_finds_none(
    store: Store, settings: Settings, make_owner: MakeOwner
) -> None:
    mine, theirs = await make_owner(), await make_owner()
    base_id = await add_base(store, theirs.workspace_id)
    pipeline = Pipeline()
    pipeline.add_component(
        "writer", DocumentWriter(open_document_store(settings, theirs.workspace_id, base_id))
    )
    yaml = pipeline.dumps()
    assert theirs.workspace_id not in yaml
    with use_workspace(WorkspaceAccess(mine.workspace_id, settings)):
        loaded = Pipeline.loads(yaml, allowed_modules=["pipelines.document_store"])
        with pytest.raises(Exception, match="Knowledge base not found") as caught:
            await loaded.run_async({"writer": {"documents": [Document(content="a")]}})
    assert isinstance(caught.value.__cause__, NotFound)


async def test_document_store_used_in_other_workspace_is_forbidden(
    store: Store, settings: Settings, make_owner: MakeOwner
) -> None:
    mine, theirs = await make_owner(), await make_owner()
    base_id = await add_base(store, theirs.workspace_id)
    kept = open_document_store(settings, theirs.workspace_id, base_id, store)
    with use_workspace(WorkspaceAccess(mine.workspace_id, settings)), pytest.raises(Forbidden):
        await kept.count_documents_async()


def test_document_store_without_workspace_is_forbidden() -> None:
    with pytest.raises(Forbidden):
        KnowledgeDocumentStore("kb_1")


@pytest.mark.parametrize(
    ("scopes", "error"), [(["workflows:admin"], Forbidden), (["knowledge:read"], None)]
)
async def test_open_workspace_with_scopes_allows_what_they_do(
    store: Store,
    settings: Settings,
    owner: Owner,
    scopes: list[str],
    error: type[NuxaError] | None,
) -> None:
    key = await _add_key(store, owner, *scopes)
    base_id = await add_base(store, owner.workspace_id)

    def use() -> None:
        with open_workspace(api_key=key) as access:
            assert access.workspace_id == owner.workspace_id
            documents = KnowledgeDocumentStore(base_id)
            assert documents.count_documents() == 0
            for change in (
                lambda: documents.write_documents([Document(content="a")]),
                lambda: documents.delete_documents(["1"]),
                documents.delete_all_documents,
                lambda: documents.delete_by_filter(ANY),
                lambda: documents.update_by_filter(ANY, {}),
            ):
                with pytest.raises(Forbidden):
                    change()

    if error is None:
        await asyncio.to_thread(use)
    else:
        with pytest.raises(error):
            await asyncio.to_thread(use)


async def test_open_workspace_with_unknown_or_expired_key_is_unauthorized(
    store: Store, settings: Settings, owner: Owner
) -> None:
    expired = await _add_key(store, owner, "admin", is_expired=True)

    def use(key: str) -> None:
        with open_workspace(api_key=key):
            pass

    for key in ("nuxa_unknown", expired):
        with pytest.raises(Unauthorized):
            await asyncio.to_thread(use, key)


async def test_open_workspace_with_key_of_other_workspace_finds_none(
    store: Store, settings: Settings, make_owner: MakeOwner
) -> None:
    mine, theirs = await make_owner(), await make_owner()
    key = await _add_key(store, mine, "admin")

    def use(api_key: str, workspace_id: str) -> None:
        with open_workspace(api_key=api_key, workspace_id=workspace_id):
            pass

    for arguments in ((key, theirs.workspace_id), ("", "ws_unknown"), ("", "")):
        with pytest.raises(NotFound):
            await asyncio.to_thread(use, *arguments)
