"""The chat models that a caller may choose: what the operator configured, and the offline one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.config import OFFLINE_CHAT_MODEL, Settings
from core.errors import ValidationFailed
from core.models import chat
from core.models.hosted import provider_of


@dataclass(frozen=True)
class ModelChoice:
    id: str
    is_default: bool
    is_offline: bool
    provider: str | None = (
        None  # of a hosted model; the workspace's own key is asked, if it has one
    )


def choices(settings: Settings) -> list[ModelChoice]:
    """Return the operator's models, the default first."""
    names = dict.fromkeys((settings.chat_model, OFFLINE_CHAT_MODEL))
    return [_choice(name, settings) for name in names]


async def all_choices(settings: Settings, own: Collection[str]) -> list[ModelChoice]:
    """Return the operator's models, then the chat models known of the providers in ``own``.

    A workspace may name others of its providers, too: what is new there is in no list of ours.
    """
    names = [name for name in await chat.known_models(own) if name != settings.chat_model]
    return choices(settings) + [_choice(name, settings) for name in names]


def _choice(name: str, settings: Settings) -> ModelChoice:
    is_default, is_offline = name == settings.chat_model, name == OFFLINE_CHAT_MODEL
    return ModelChoice(name, is_default, is_offline, provider_of(name))


def require_model(name: str | None, settings: Settings, own: Collection[str] = ()) -> str:
    """Return the model to use; raises ``ValidationFailed`` for one that is not on offer.

    A free choice would let callers spend, and reach, what the operator never meant them to; of
    the providers in ``own`` the workspace has a key itself, and may choose any model.
    """
    if name is None:
        return settings.chat_model
    if provider_of(name) in own:
        return name
    if name not in {choice.id for choice in choices(settings)}:
        message = (
            f"The model {name!r} is not on offer; GET /api/copilot/models lists those that are, "
            "and a key under the workspace's model-providers brings its provider's."
        )
        raise ValidationFailed.at("model", message)
    return name
