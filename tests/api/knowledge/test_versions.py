"""A document in another version: the same id, and only what changed is embedded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from core.models.embed import get_embedder
from core.models.loading import Vectors
from core.services import Services
from ingest import document_walk
from tests.api.conftest import Member

Work = Callable[[], Awaitable[int]]


def _chapters(*words: str) -> str:
    """Return a text of one passage a word."""
    return "\n\n".join(f"# {w}\n\n{f'The {w} is kept dry and warm. ' * 18}" for w in words)


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What documents' passages were given to the model as."""
    texts: list[str] = []

    class Counting:
        def __init__(self, model: str, **how: Any) -> None:
            self._embedder = get_embedder(model, **how)

        async def embed_documents(self, given: Sequence[str], workspace_id: str) -> Vectors:
            texts.extend(given)
            return await self._embedder.embed_documents(given, workspace_id)

    monkeypatch.setattr(document_walk, "get_embedder", Counting)
    return texts


async def _added(member: Member, base_path: str, work: Work, text: str) -> str:
    body = {"text": text, "name": "store.md", "metadata": {"shelf": 3}}
    made = await member.program.post(f"{base_path}/documents", json=body)
    await work()
    return f"{base_path}/documents/{made.json()['id']}"


async def _found(member: Member, base_path: str, query: str) -> str:
    answer = await member.program.post(f"{base_path}/search", json={"query": query, "topK": 1})
    return str(answer.json()["results"][0]["content"])


async def test_another_version_replaces_the_passages_and_embeds_only_new_ones(
    member: Member, base_path: str, work: Work, embedded: list[str], services: Services
) -> None:
    path = await _added(member, base_path, work, _chapters("varnish", "canvas", "copper"))
    before = (await member.program.get(path)).json()
    assert len(embedded) == before["chunkCount"] == 3
    embedded.clear()

    text = _chapters("varnish", "linen", "copper")
    answer = await member.program.put(path, json={"text": text})
    assert answer.status_code == 202, answer.text
    assert "canvas" in await _found(member, base_path, "canvas"), "until the new ones are there"
    await work()

    after = (await member.program.get(path)).json()
    kept = ("id", "name", "metadata", "chunkCount")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert after["status"] == "completed"
    assert len(embedded) == 1
    assert "linen" in embedded[0]
    assert "linen" in await _found(member, base_path, "linen")
    assert "canvas" not in await _found(member, base_path, "canvas")
    assert "copper" in await _found(member, base_path, "copper")
    blobs = [p for p in (services.settings.data_dir / "blobs").rglob("*") if p.is_file()]
    assert len(blobs) == 1, "the bytes of the version before are gone"


async def test_processing_again_embeds_nothing_unless_the_name_changed(
    member: Member, base_path: str, work: Work, embedded: list[str]
) -> None:
    path = await _added(member, base_path, work, _chapters("varnish", "canvas"))
    embedded.clear()
    assert (await member.program.post(f"{path}/reprocess")).status_code == 202
    await work()
    assert embedded == []
    assert "canvas" in await _found(member, base_path, "canvas")

    await member.program.patch(path, json={"name": "yard.md"})
    assert (await member.program.post(f"{path}/reprocess")).status_code == 202
    await work()
    assert len(embedded) == 2, "the model reads the name, too"


async def test_a_version_is_refused_while_another_is_in_work_or_stands_elsewhere(
    member: Member, base_path: str, work: Work
) -> None:
    path = await _added(member, base_path, work, "The slipway is closed.")
    await _added(member, base_path, work, "The crane is out of order.")
    same = await member.program.put(path, json={"text": "The crane is out of order."})
    assert same.status_code == 409
    assert (await member.program.get(path)).json()["status"] == "completed"

    form = {"file": ("yard.txt", b"The slipway is open.")}
    assert (await member.program.put(path, files=form)).status_code == 202
    assert (await member.program.put(path, json={"text": "Once more."})).status_code == 409
    await work()
    document = (await member.program.get(path)).json()
    assert (document["status"], document["name"]) == ("completed", "yard.txt")
    other = path.rsplit("/", 1)[0] + "/doc_unknown"
    assert (await member.program.put(other, json={"text": "Nobody."})).status_code == 404


async def test_how_a_document_is_read_can_be_said_and_is_checked(
    member: Member, base_path: str, work: Work
) -> None:
    body = {"text": "The slipway is closed.", "languages": ["xx"]}
    refused = await member.program.post(f"{base_path}/documents", json=body)
    assert refused.status_code == 400
    assert "it reads" in refused.json()["error"]["message"]
    path = await _added(member, base_path, work, "The slipway is closed.")
    how = {"ocr": "off", "languages": ["en"]}
    answer = await member.program.post(f"{path}/reprocess", json=how)
    assert answer.status_code == 202, answer.text
    form = {"file": ("yard.txt", b"The slipway is open.")}
    fields = {"languages": "eng, nothing"}
    refused = await member.program.post(f"{base_path}/documents", files=form, data=fields)
    assert refused.status_code == 400
