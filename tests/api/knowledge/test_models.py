"""A base's embedding model: changed, looked at, stopped, refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from core.config import Settings
from core.models import export
from tests.api.conftest import Member
from tests.tiny_model import make_tiny_model

PACKAGED = "all-MiniLM-L6-v2"
Work = Callable[[], Awaitable[int]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_tiny_model(tmp_path_factory.mktemp("model"), 8))


@pytest.fixture
def other(tiny: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The server's model, which is not the packaged one."""
    monkeypatch.setattr(export, "roots", lambda _: (tmp_path, _ROOTS(settings)[0]))
    monkeypatch.setattr(settings, "embedding_model", tiny)
    return tiny


_ROOTS = export.roots


async def _base(member: Member, texts: list[str]) -> str:
    new = {"name": "Handbook", "embeddingModel": PACKAGED}
    path = f"/api/knowledge/{(await member.program.post('/api/knowledge', json=new)).json()['id']}"
    for number, text in enumerate(texts):
        document = {"name": f"{number}.txt", "text": text}
        assert (await member.program.post(f"{path}/documents", json=document)).status_code == 202
    return path


async def _first(member: Member, path: str, query: str) -> str:
    """Return what is found first; the tiny model, of chance, knows no more than equal texts."""
    found = await member.program.get(f"{path}/search", params={"query": query, "topK": 1})
    return str(found.json()["results"][0]["content"])


async def test_a_base_changes_its_model(member: Member, work: Work, other: str) -> None:
    path = await _base(member, ["Cash flow rose.", "The cats sat."])
    await work()
    before = (await member.program.get(path)).json()
    assert (before["embeddingModel"], before["reembedding"]) == (PACKAGED, None)

    changed = await member.program.patch(path, json={"embeddingModel": other, "name": "Manual"})
    assert changed.status_code == 200, changed.text
    shown = changed.json()
    assert (shown["name"], shown["embeddingModel"]) == ("Manual", PACKAGED)
    assert shown["reembedding"] == {
        "embeddingModel": other,
        "embeddingDimensions": 8,
        "status": "pending",
        "progress": 0.0,
        "secondsLeft": None,
        "error": None,
    }
    assert (await member.program.get("/api/knowledge")).json()["data"] == [shown]
    assert await _first(member, path, "cats") == "The cats sat."
    again = await member.program.patch(path, json={"embeddingModel": other})
    assert again.json()["reembedding"] == shown["reembedding"]

    assert await work() == 1
    after = (await member.program.get(path)).json()
    assert (after["embeddingModel"], after["embeddingDimensions"]) == (other, 8)
    assert after["reembedding"] is None
    assert await _first(member, path, "The cats sat.") == "The cats sat."
    await member.program.post(f"{path}/documents", json={"name": "3.txt", "text": "Flow of cash."})
    await work()
    assert await _first(member, path, "Flow of cash.") == "Flow of cash."

    back = await member.program.patch(path, json={"embeddingModel": PACKAGED})
    assert back.json()["reembedding"]["embeddingDimensions"] == 384
    await work()
    assert (await member.program.get(path)).json()["embeddingModel"] == PACKAGED
    assert await _first(member, path, "feline animals") == "The cats sat."


async def test_setting_the_bases_own_model_stops_a_change(
    member: Member, work: Work, other: str
) -> None:
    path = await _base(member, ["Cash flow rose."])
    await work()
    await member.program.patch(path, json={"embeddingModel": other})
    stopped = await member.program.patch(path, json={"embeddingModel": PACKAGED})
    assert (stopped.status_code, stopped.json()["reembedding"]) == (200, None)
    assert await work() == 0
    assert (await member.program.get(path)).json()["embeddingModel"] == PACKAGED


async def test_a_third_model_is_refused_while_a_change_goes_on(
    member: Member, other: str, tiny: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await _base(member, [])
    await member.program.patch(path, json={"embeddingModel": other})
    third = await asyncio.to_thread(make_tiny_model, Path(tiny).parent / "third", 16)
    monkeypatch.setattr(settings, "embedding_model", str(third))
    refused = await member.program.patch(path, json={"embeddingModel": str(third)})
    assert refused.status_code == 409
    assert PACKAGED in refused.json()["error"]["message"]


async def test_two_who_change_it_at_once_make_one_change(member: Member, other: str) -> None:
    path = await _base(member, [])
    answers = await asyncio.gather(
        *(member.program.patch(path, json={"embeddingModel": other}) for _ in range(6))
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert any(answer.status_code == 200 for answer in answers)
    assert (await member.program.get(path)).json()["reembedding"]["status"] == "pending"


@pytest.mark.parametrize("model", ["/etc", "", None, 7])
async def test_a_model_the_server_does_not_have_is_a_400(member: Member, model: object) -> None:
    path = await _base(member, [])
    answer = await member.program.patch(path, json={"name": "X", "embeddingModel": model})
    assert answer.status_code == 400
    assert (await member.program.get(path)).json()["name"] == "Handbook"


async def test_an_empty_base_changes_too_and_one_that_is_deleted_is_forgotten(
    member: Member, work: Work, other: str
) -> None:
    path, gone = await _base(member, []), await _base(member, [])
    for each in (path, gone):
        await member.program.patch(each, json={"embeddingModel": other})
    assert (await member.program.delete(gone)).status_code == 204
    assert await work() == 1
    assert (await member.program.get(path)).json()["embeddingModel"] == other
