"""Notices: what readers are told of who answered, beside the answer and never in it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from core.config import OFFLINE_CHAT_MODEL, RULES_MODEL

_NOTICES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        OFFLINE_CHAT_MODEL: {
            "code": "OFFLINE_ANSWERER",
            "message": "This is the offline answerer: it quotes documents and writes nothing of "
            "its own. Set NUXA_CHAT_MODEL to use a language model.",
        },
        RULES_MODEL: {
            "code": "ANSWERED_BY_RULES",
            "message": "No language model wrote this answer: a rule chose the tools and told what "
            "they returned.",
        },
    }
)


def notice_for(model: str | None) -> dict[str, str] | None:
    """Return the notice of an answer by the model that wrote it, None for a language model."""
    notice = _NOTICES.get(model or "")
    return dict(notice) if notice else None
