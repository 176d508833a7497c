"""How a turn begins: checked, and written down with its lease, inside the caller's unit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from copilot.agents import agent_wire, mode_of
from copilot.attachments import require_readable
from copilot.bases import bases_of
from copilot.models import require_model
from copilot.modes import AGENT, DEFAULT, PUBLISHED
from copilot.published import require_published
from copilot.searching import begin_search
from core.config import Settings
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.models.embed import get_embedder
from core.rights import Rights, Role
from core.services import Services
from core.store.agents import Agent
from core.store.base import now
from core.store.chats import Chat
from core.store.hits import SearchedBase
from core.store.messages import Message
from core.store.unit import Unit
from pipelines.journal import storable
from pipelines.passages import Passage

_SHORT_QUESTION: Final = 1_000  # characters
_TITLE: Final = 80
_READER: Final = Rights(Role.READ)


@dataclass(frozen=True)
class Ask:
    """What a caller says; ``base_ids`` empty means every base of the workspace.

    ``instructions`` are the workspace's own, beside those of the mode; ``rights`` are the caller's,
    which tools work under. Files and runs are what the question is about. ``is_anonymous``: a
    visitor asks the agent by its share link.
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
    agent_id: str | None = None
    file_ids: Sequence[str] = ()
    execution_ids: Sequence[str] = ()
    is_anonymous: bool = False


@dataclass(frozen=True)
class Turn:
    """A message that is, or was, being written; ``owner`` holds its lease, if it is new.

    ``question`` is what it answers, ``is_first`` whether nothing was said before it, as far as is
    known without asking the database, and ``bases`` what is searched for it; ``search`` is under
    way where that needed no more. ``asked`` is the question's own row, ``user_id`` whose chat it
    is; None for a visitor's.
    """

    message: Message
    owner: str | None
    question: str = ""
    is_first: bool = False
    bases: Sequence[SearchedBase] = ()
    search: asyncio.Task[list[Passage]] | None = None
    asked: Message | None = None
    user_id: str | None = None

    @property
    def is_new(self) -> bool:
        """Whether the caller is to run it."""
        return self.owner is not None


async def begin(unit: Unit, services: Services, user_id: str, ask: Ask) -> Turn:
    """Add the question and the answer to be written; the same ``user_message_id`` is one turn.

    Raises ``NotFound`` for a chat, base or workflow that is not there for this user,
    ``ValidationFailed`` for a mode or model there is not, and ``Conflict`` while the chat is
    still answering.
    """
    settings, is_first = services.settings, ask.chat_id is None
    if is_first and len(ask.message) <= _SHORT_QUESTION:
        # It will be searched for, and its vector is what that waits for longest.
        get_embedder(settings.embedding_model).begin_query(storable(ask.message), unit.workspace_id)
    if ask.user_message_id is not None:
        await unit.chats.hold_turn(user_id, ask.user_message_id)
        known = await unit.messages.answer_to(user_id, ask.user_message_id)
        if known is not None:
            return Turn(known, None)
    chat = await _chat(unit, user_id, ask)
    request, bases = await _request(unit, settings, chat, ask)
    search = begin_search(
        services, unit.workspace_id, bases, storable(ask.message), is_first=is_first
    )
    await asyncio.sleep(0)  # its first statement is out before the turn's rows are made
    chat.updated_at = moment = now()
    await unit.flush()
    owner = new_id("turn")
    question = _question(chat, ask, moment)
    lease_until = moment + timedelta(seconds=settings.lease_seconds)
    answer = _answer(chat, ask, request, owner, lease_until)
    answer.created_at = moment + timedelta(microseconds=1)  # after its question
    await unit.messages.begin_turn(chat if is_first else None, question, answer)
    shown_to = None if ask.is_anonymous else user_id
    return Turn(answer, owner, question.content, is_first, bases, search, question, shown_to)


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
            mode=ask.mode or (AGENT if ask.agent_id else DEFAULT),
            workflow_id=ask.workflow_id,
            agent_id=ask.agent_id,
            is_anonymous=ask.is_anonymous,
        )
    if ask.is_anonymous:
        known = await unit.chats.get_anonymous(ask.chat_id, ask.agent_id or "")
    else:
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


async def _request(
    unit: Unit, settings: Settings, chat: Chat, ask: Ask
) -> tuple[dict[str, Any], Sequence[SearchedBase]]:
    """Return what the turn is to work with, checked, and the bases to be searched."""
    workflow_id = ask.workflow_id or chat.workflow_id
    mode, agent = await mode_of(unit, ask.mode or chat.mode, workflow_id, chat.agent_id, ask.rights)
    if workflow_id is not None and await unit.workflows.get(workflow_id) is None:
        raise NotFound("There is no such workflow; list those you have.")
    await require_readable(unit, ask.file_ids)
    for execution_id in ask.execution_ids:
        if await unit.executions.get(execution_id) is None:
            raise NotFound("There is no such run; list those there are.")
    request = {
        "mode": mode.name,
        "workflowId": workflow_id,
        "instructions": agent.system_prompt if agent else ask.instructions,
        "userId": chat.user_id,
        "rights": ask.rights.wire(),
        **({"agent": agent_wire(agent, is_anonymous=ask.is_anonymous)} if agent else {}),
        **({"fileIds": list(ask.file_ids)} if ask.file_ids else {}),
        **({"executionIds": list(ask.execution_ids)} if ask.execution_ids else {}),
    }
    if mode.name == PUBLISHED and workflow_id is not None:
        is_plain = not (ask.model or ask.base_ids or ask.file_ids or ask.execution_ids)
        most = await require_published(unit, workflow_id, is_plain=is_plain)
        return {**request, "baseIds": [], "model": None, "memoryMessages": most}, ()
    own = await unit.model_providers.names() if ask.model or agent else ()
    model = require_model(agent.model if agent else ask.model, settings, own)
    bases = await _bases(unit, ask, agent)
    return {**request, "baseIds": [base.id for base in bases], "model": model}, bases


async def _bases(unit: Unit, ask: Ask, agent: Agent | None) -> Sequence[SearchedBase]:
    """Return the bases to search: an agent's own and no others, else those of the question."""
    if agent is None:
        return await bases_of(unit, ask.base_ids)
    return await bases_of(unit, agent.knowledge_base_ids) if agent.knowledge_base_ids else []
