"""Which models a workspace's own key is for."""

from __future__ import annotations

import pytest

from core.models.hosted import provider_of


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("openai/gpt-4o-mini", "openai"),
        ("anthropic/claude-sonnet-4@20250514", "anthropic"),
        ("together_ai/meta-llama/Llama-3:free", "together_ai"),
    ],
)
def test_hosted(model: str, provider: str) -> None:
    assert provider_of(model) == provider


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o-mini", "openai/", "openai", "/openai/x", "OpenAI/x", "nuxa/extractive",
        "openai/local",  # the one on this machine
        "ollama/llama3", "huggingface/https://example.com", "openai/http://127.0.0.1",
        "openai/https:example.com//x", "openai/../x", "openai/a b", "openai/a\n",
    ],
)  # fmt: skip
def test_not_hosted(model: str) -> None:
    assert provider_of(model) is None
