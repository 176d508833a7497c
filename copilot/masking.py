"""Secrets of the workspace never reach a prompt or an answer: their values become their names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from pydantic import JsonValue

from copilot.desk import Desk
from core.errors import NuxaError
from core.models.messages import Message
from core.services import Services
from pipelines.masking import mask
from pipelines.references import as_text

_SHORTEST: Final = 4  # characters; a shorter value is in every other text, and no secret

Hide = Callable[[JsonValue], JsonValue]


async def secrets_of(services: Services, workspace_id: str) -> dict[str, str]:
    """Return the values of a workspace's secrets by name, those that can be told from any word."""
    async with services.store.unit(workspace_id) as unit:
        sealed = await unit.secrets.all_sealed()
    opened = {name: services.sealer.open(value) for name, value in sealed.items()}
    return {name: value for name, value in opened.items() if len(value) >= _SHORTEST}


def hidden(messages: list[Message], secrets: Mapping[str, str]) -> list[Message]:
    """Return what a model is told with the names of secrets where their values stood."""
    return [_hidden(message, secrets) for message in messages] if secrets else messages


def _hidden(message: Message, secrets: Mapping[str, str]) -> Message:
    hidden_message = dict(message)
    for name in message.keys() & {"content", "tool_calls"}:
        hidden_message[name] = mask(message[name], secrets)
    return hidden_message


@asynccontextmanager
async def masked(desk: Desk) -> AsyncIterator[Hide]:
    """Give what hides secrets in a value; errors that leave the block are masked as well."""
    secrets: Mapping[str, str] = await secrets_of(desk.services, desk.workspace_id)

    def hide(value: JsonValue) -> JsonValue:
        return mask(value, secrets)

    try:
        yield hide
    except NuxaError as error:
        error.message = as_text(hide(error.message))
        error.args = (error.message,)
        raise
