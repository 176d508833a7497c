"""litellm, loaded once and late, and the models of our own that answer through it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Final

from core.config import forbid_phoning_home, get_settings
from core.models.messages import Answerer, ChatRequest, Message

if TYPE_CHECKING:
    from litellm.llms.custom_llm import CustomLLM

_answerers: Final[dict[str, Answerer]] = {}
_loading: Final = threading.Lock()


def register_provider(name: str, answerer: Answerer) -> None:
    """Let ``<name>/<anything>`` be a chat model answered by ``answerer``. Twice is once."""
    with _loading:
        _answerers[name] = answerer
        _load.cache_clear()


def registered_providers() -> frozenset[str]:
    """Return the names of our own providers."""
    return frozenset(_answerers)


async def litellm_module() -> ModuleType:
    """Return litellm with our providers in it; the first import takes seconds, in a thread."""
    if _load.cache_info().currsize:
        return _load()
    return await asyncio.to_thread(_load_once)


def _load_once() -> ModuleType:
    with _loading:
        return _load()


@lru_cache
def _load() -> ModuleType:
    forbid_phoning_home(get_settings())
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.custom_provider_map = [
        {"provider": name, "custom_handler": _handler(answerer)}
        for name, answerer in _answerers.items()
    ]
    module: ModuleType = litellm
    return module


def _handler(answerer: Answerer) -> CustomLLM:
    from litellm.llms.custom_llm import CustomLLM

    class Handler(CustomLLM):
        # litellm's base class says "coroutine" where its own caller wants an async generator
        async def astreaming(  # type: ignore[override]
            self, model: str, messages: list[Message], *_: object, **__: object
        ) -> AsyncIterator[dict[str, object]]:
            async for piece in answerer(ChatRequest(messages, model=model)):
                yield _chunk(piece, finished=False)
            yield _chunk("", finished=True)

    return Handler()


def _chunk(text: str, *, finished: bool) -> dict[str, object]:
    return {
        "text": text,
        "is_finished": finished,
        "finish_reason": "stop" if finished else "",
        "index": 0,
        "tool_use": None,
        "usage": None,
    }
