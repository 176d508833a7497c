"""The script of docs/haystack.md runs as it stands there."""

from __future__ import annotations

import asyncio
import re

import pytest

from core.config import Settings
from core.ids import new_id
from core.security import hash_token, new_token
from core.store.api_keys import ApiKey
from core.store.unit import Store
from tests.conftest import ROOT, Owner
from tests.haystack_store import SearchEmbedder, add_base


def _read_script() -> str:
    page = (ROOT / "docs" / "haystack.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    return str(script)


async def test_script_of_the_docs_indexes_and_finds(
    store: Store,
    settings: Settings,
    owner: Owner,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = new_token("nuxa_")
    async with store.unit(owner.workspace_id) as unit:
        unit.api_keys.add(
            ApiKey(
                id=new_id("key"),
                workspace_id=owner.workspace_id,
                user_id=owner.user_id,
                name="Script",
                key_hash=hash_token(key),
                preview=key[:8],
                scopes=["knowledge:write"],
            )
        )
    for module in ("pipelines.knowledge_documents", "pipelines.search"):
        monkeypatch.setattr(f"{module}.get_embedder", lambda *_, **__: SearchEmbedder())
    base_id = await add_base(store, owner.workspace_id)
    monkeypatch.setenv("NUXA_API_KEY", key)
    monkeypatch.setenv("KNOWLEDGE_BASE", base_id)
    code = compile(_read_script(), "docs/haystack.md", "exec")
    for _ in range(2):  # the second time overwrites
        await asyncio.to_thread(exec, code, {"__name__": "__main__"})
        first, second = capsys.readouterr().out.splitlines()
        assert first.startswith("handbook.md Refunds are paid within 14 days")
        assert second.startswith("handbook.md Parcels")
    async with store.unit(owner.workspace_id) as unit:
        base = await unit.bases.get(base_id)
    assert base is not None and (base.document_count, base.chunk_count) == (1, 2)
