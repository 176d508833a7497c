"""The stand-in model is asked as a provider is: which models there are, and for an answer."""

from __future__ import annotations

import httpx
import pytest

from evals.bench.model_server import FIRST_TOKEN_SECONDS, model_server
from evals.bench.wire import Refused, first_word

ASKED = {"model": "bench", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}


async def test_it_names_its_model_and_answers_over_one_connection() -> None:
    async with model_server() as url, httpx.AsyncClient() as client:
        listed = (await client.get(f"{url}/models")).json()
        assert [model["id"] for model in listed["data"]] == ["bench"]
        answer = await client.post(f"{url}/chat/completions", json=ASKED)
        assert answer.text.rstrip().endswith("[DONE]")


async def test_its_first_word_comes_after_its_time_and_not_before() -> None:
    async with model_server() as url:
        seconds = await first_word(f"{url}/chat/completions", {}, ASKED, lambda _: True)
    assert seconds >= FIRST_TOKEN_SECONDS


async def test_an_answer_without_a_word_has_no_time() -> None:
    async with model_server() as url:
        with pytest.raises(Refused, match="without a word"):
            await first_word(f"{url}/chat/completions", {}, ASKED, lambda _: False)
