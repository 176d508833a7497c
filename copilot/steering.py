"""What its user says to a turn that goes on: heard before the model is asked again."""

from __future__ import annotations

from collections.abc import Mapping

from core.errors import Conflict
from core.ids import new_id
from core.services import Services
from core.store.messages import Message
from core.store.unit import Unit
from pipelines.agent import Hear
from pipelines.journal import storable
from pipelines.masking import mask
from pipelines.references import as_text


async def steer(unit: Unit, answer: Message, text: str) -> Message:
    """Add a word to a running turn; raises ``Conflict`` once it is over."""
    await unit.chats.lock(answer.chat_id)
    if await unit.messages.running(answer.chat_id) != answer.id:
        raise Conflict("This answer is finished; ask anew in the same chat.")
    row = Message(
        id=new_id("msg"),
        chat_id=answer.chat_id,
        role="user",
        content=storable(text),
        request={"steers": answer.id},
    )
    await unit.messages.add(row)
    return row


def hearing(services: Services, answer: Message, secrets: Mapping[str, str]) -> Hear:
    """Return what gives, each time, the words that have come since the last, without secrets."""
    heard = 0

    async def hear() -> list[str]:
        nonlocal heard
        async with services.store.unit(answer.workspace_id) as unit:
            said = await unit.messages.steering(answer.id, answer.chat_id)
        new, heard = said[heard:], len(said)
        return [as_text(mask(text, secrets)) for text in new]

    return hear
