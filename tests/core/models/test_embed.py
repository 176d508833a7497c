from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from core.config import Settings, get_settings
from core.errors import ServiceUnavailable
from core.models import export
from core.models.embed import Embedder, get_embedder
from tests.tiny_model import make_tiny_model


@pytest.fixture(scope="module")
def packaged() -> Embedder:
    return get_embedder()


async def test_documents_are_unit_vectors_in_the_given_order(packaged: Embedder) -> None:
    texts = ["The cat sat. " * n for n in (9, 1, 40, 3)] + ["Revenue grew by five percent."] * 8
    vectors = await packaged.embed_documents(texts)
    assert vectors.shape == (12, packaged.dimensions) == (12, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = await packaged.embed_documents([texts[1]])
    assert vectors[1] @ alone[0] > 0.9999
    assert vectors[0] @ vectors[-1] < 0.5


def test_a_process_has_one_embedder_a_model() -> None:
    assert get_embedder() is get_embedder(get_settings().embedding_model)


async def test_no_texts_give_no_vectors(packaged: Embedder) -> None:
    assert (await packaged.embed_documents([])).shape == (0, 384)


async def test_concurrent_questions_share_a_turn_and_keep_their_own_answers(
    packaged: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await packaged.load()
    sizes: list[int] = []
    encode = packaged._encode_queries

    def counting(texts: list[str]) -> np.ndarray:
        sizes.append(len(texts))
        return encode(texts)

    monkeypatch.setattr(packaged, "_encode_queries", counting)
    questions = [f"What happened in the year {year}?" for year in range(1900, 1920)]
    together = await asyncio.gather(*map(packaged.embed_query, questions))
    assert sum(sizes) == 20
    assert len(sizes) < 20
    assert together[7] @ encode([questions[7]])[0] > 0.9999
    await packaged.embed_query(questions[7])
    assert sum(sizes) == 20, "the last questions are remembered"


async def test_it_is_crowded_while_several_questions_are_embedded(
    packaged: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await packaged.load()
    seen: list[bool] = []
    encode = packaged._encode_queries

    def looking(texts: list[str]) -> np.ndarray:
        seen.append(packaged.is_crowded)
        if "no" in texts:
            raise ValueError
        return encode(texts)

    monkeypatch.setattr(packaged, "_encode_queries", looking)
    await packaged.embed_query("Who is alone?")
    assert seen == [False]
    await asyncio.gather(*(packaged.embed_query(f"Who is number {n}?") for n in range(10)))
    assert any(seen)
    with pytest.raises(ValueError):
        await packaged.embed_query("no")
    assert not packaged.is_crowded


async def test_a_cancelled_question_does_not_harm_the_others(packaged: Embedder) -> None:
    tasks = [asyncio.create_task(packaged.embed_query(f"question {n}")) for n in range(10)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[3], asyncio.CancelledError)
    assert sum(isinstance(answer, np.ndarray) for answer in answers) == 9


async def test_only_the_last_questions_are_remembered(
    packaged: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.models.embed._REMEMBERED", 2)
    monkeypatch.setattr(packaged, "_asked", {})
    asked: list[str] = []
    encode = packaged._encode_queries
    monkeypatch.setattr(
        packaged, "_encode_queries", lambda texts: asked.extend(texts) or encode(texts)
    )
    for text in ("one", "two", "one", "three", "one", "two"):
        await packaged.embed_query(text)
    assert asked == ["one", "two", "three", "two"]


async def test_a_question_that_failed_is_tried_again(
    packaged: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = packaged._encode_queries
    monkeypatch.setattr(packaged, "_encode_queries", lambda texts: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await packaged.embed_query("bad luck")
    monkeypatch.setattr(packaged, "_encode_queries", encode)
    assert (await packaged.embed_query("bad luck")).shape == (384,)


async def test_tokens_are_counted_beyond_the_models_limit(packaged: Embedder) -> None:
    short, long = await packaged.count_tokens(["one two", "word " * 1000])
    assert (short, long) == (4, 1002)
    assert packaged.max_tokens == 256


async def test_a_model_of_another_size_is_exported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = await asyncio.to_thread(make_tiny_model, tmp_path, 8)
    monkeypatch.setattr(export, "roots", lambda settings: (tmp_path / "a", tmp_path / "b"))
    settings = get_settings()
    assert export.find(str(directory), settings) is None
    embedder = Embedder(str(directory), settings)
    assert (await embedder.embed_query("cash flow")).shape == (8,)
    assert embedder.dimensions == 8

    def fail(*_: object) -> None:
        raise AssertionError("exported twice")

    monkeypatch.setattr(export, "_load_for_export", fail)
    assert (await Embedder(str(directory), settings).embed_documents(["cats"])).shape == (1, 8)


async def test_an_unknown_model_says_what_to_set(tmp_path: Path) -> None:
    embedder = Embedder(str(tmp_path / "no-such-model"), Settings(data_dir=tmp_path))
    with pytest.raises(ServiceUnavailable, match="NUXA_EMBEDDING_MODEL"):
        await embedder.embed_query("anyone there?")
