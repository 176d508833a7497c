"""The hosted providers of models that a workspace may bring a key of its own for.

Only those whose address is fixed and whose key is all they take: with others (a server at an
address of one's choice, a cloud account) a caller could reach what the operator never meant.
"""

from __future__ import annotations

import re
from typing import Final

from core.config import LOCAL_CHAT_MODEL

PROVIDERS: Final = frozenset(
    {
        "anthropic",
        "cohere",
        "deepseek",
        "fireworks_ai",
        "gemini",
        "groq",
        "mistral",
        "openai",
        "openrouter",
        "perplexity",
        "together_ai",
        "xai",
    }
)
# No address may hide in a name: litellm takes some for one.
_NAME: Final = re.compile(r"(?P<provider>[a-z_]+)/[A-Za-z0-9][A-Za-z0-9._:@/-]{0,199}")


def provider_of(model: str) -> str | None:
    """Return the hosted provider that a litellm name begins with, None for any other name: also for
    the model on this machine, whose server speaks OpenAI's API."""
    found = _NAME.fullmatch(model) if model != LOCAL_CHAT_MODEL else None
    if found is None or "//" in model or found["provider"] not in PROVIDERS:
        return None
    return found["provider"]
