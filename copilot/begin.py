"""How a turn begins: checked, and written down with its lease, inside the caller's unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from copilot.bases import bases_of
from copilot.models import require_model
from copilot.modes import DEFAULT, find_mode
from core.config import Settings
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.models.embed import get_embedder
from core.rights import Rights, Role
from core.store.base import now
from core.store.chats import Chat
from core.store.hits import SearchedBase
from core.store.messages import Message
from core.store.unit import Unit
from pipelines.journal import storable

_SHORT_QUESTION: Final = 1_000  # characters
_TITLE: Final = 80
_READER: Final = Rights(Role.READ)


@dataclass(frozen=True)
class Ask:
    """What a caller says; ``base_ids`` empty means every base of the workspace.

    ``instructions`` are the workspace's own, beside those of the mode; ``rights`` are the caller's,
    which tools work under.
    """

    message: str
    chat_id: str | None = None
    mode: str | None = None
    workflow_id: str | None = None
    base_ids: Sequence[str] = ()
    model: str | None = None
    user_message_id: str | None = None
    instructions: str | None = None
    rights: Rights = _READER


@dataclass(frozen=True)
class Turn:
    """A message that is, or was, being written; ``owner`` holds its lease, if it is new.

    ``question`` is what it answers, ``is_first`` whether nothing was said before it, as far as is
    known without asking the database, and ``bases`` what is searched for it.
    """

    message: Message
    owner: str | None
    question: str = ""
    is_first: bool = False
    bases: Sequence[SearchedBase] = ()

    @property
    def is_new(self) -> bool:
        """Whether the caller is to run it."""
        return self.owner is not None


async def begin(unit: Unit, settings: Settings, user_id: str, ask: Ask) -> Turn:
    """Add the question and the answer to be written; the same ``user_message_id`` is one turn.

    Raises ``NotFound`` for a chat, base or workflow that is not there for this user,
    ``ValidationFailed`` for a mode or model there is not, and ``Conflict`` while the chat is
    still answering.
    """
    if ask.chat_id is None and len(ask.message) <= _SHORT_QUESTION:
        # It will be searched for; by then its vector is there.
        get_embedder(settings.embedding_model).begin_query(storable(ask.message))
    if ask.user_message_id is not None:
        await unit.chats.hold_turn(user_id, ask.user_message_id)
        known = await unit.messages.answer_to(user_id, ask.user_message_id)
        if known is not None:
            return Turn(known, None)
    chat = await _chat(unit, user_id, ask)
    bases = await bases_of(unit, ask.base_ids)
    request = await _request(unit, settings, chat, ask)
    request["baseIds"] = [base.id for base in bases]
    chat.updated_at = moment = now()
    await unit.flush()
    owner = new_id("turn")
    question = _question(chat, ask, moment)
    lease_until = moment + timedelta(seconds=settings.lease_seconds)
    answer = _answer(chat, ask, request, owner, lease_until)
    answer.created_at = moment + timedelta(microseconds=1)  # after its question
    await unit.messages.begin_turn(chat if ask.chat_id is None else None, question, answer)
    return Turn(answer, owner, question.content, ask.chat_id is None, bases)


def _question(chat: Chat, ask: Ask, moment: datetime) -> Message:
    return Message(
        id=new_id("msg"),
        chat_id=chat.id,
        role="user",
        content=storable(ask.message),
        user_message_id=ask.user_message_id,
        created_at=moment,
    )


def _answer(
    chat: Chat, ask: Ask, request: dict[str, Any], owner: str, lease_until: datetime
) -> Message:
    """Return the answer that is to be written."""
    return Message(
        id=new_id("msg"),
        chat_id=chat.id,
        role="assistant",
        content="",
        user_message_id=ask.user_message_id,
        model=request["model"],
        request=request,
        status="running",
        lease_owner=owner,
        lease_until=lease_until,
    )


async def _chat(unit: Unit, user_id: str, ask: Ask) -> Chat:
    """Return the chat to go on with, locked; or a new one, yet to be written."""
    if ask.chat_id is None:
        return Chat(
            id=new_id("chat"),
            user_id=user_id,
            title=" ".join(storable(ask.message).split())[:_TITLE],
            mode=ask.mode or DEFAULT,
            workflow_id=ask.workflow_id,
        )
    known = await unit.chats.get(ask.chat_id, user_id)
    if known is None:
        raise NotFound("There is no such chat; leave chatId away to begin one.")
    await unit.chats.lock(known.id)
    running = await unit.messages.running(known.id)
    if running is not None:
        raise Conflict(
            "This chat is still answering; wait for it, or abort it first.",
            {"messageId": running},
        )
    return known


async def _request(unit: Unit, settings: Settings, chat: Chat, ask: Ask) -> dict[str, Any]:
    """Return what the turn is to work with, checked."""
    workflow_id = ask.workflow_id or chat.workflow_id
    mode = find_mode(ask.mode or chat.mode, workflow_id)
    if workflow_id is not None and await unit.workflows.get(workflow_id) is None:
        raise NotFound("There is no such workflow; list those you have.")
    own = await unit.model_providers.names() if ask.model else ()
    return {
        "mode": mode.name,
        "workflowId": workflow_id,
        "model": require_model(ask.model, settings, own),
        "instructions": ask.instructions,
        "userId": chat.user_id,
        "rights": ask.rights.wire(),
    }
