"""What a turn's model is told: what was said before, and the question with what was found."""

from __future__ import annotations

from copilot.asking import words_to_search
from copilot.attachments import attach
from copilot.begin import Turn
from copilot.contexts import told_of_runs
from copilot.desk import Desk
from copilot.memory import MOST_MESSAGES, recall, told
from copilot.modes import Mode
from copilot.prompt import prompt
from copilot.remembering import said
from copilot.report import Report
from copilot.searching import search
from core.models.chat import ChatDoor
from core.models.messages import Message as ModelMessage
from core.services import Services
from core.store.messages import Message
from pipelines.passages import Passage, marked


async def briefing(
    turn: Turn, desk: Desk, mode: Mode, door: ChatDoor, report: Report
) -> list[ModelMessage]:
    """Return the messages; ``door`` may be asked what to search for, which ``report`` then counts.

    Passages found, and those of attached files, are numbered among the desk's.
    """
    services, request = desk.services, turn.message.request or {}
    file_ids = request.get("fileIds")
    is_searched = bool(file_ids or desk.base_ids)
    summary, history = ("", []) if turn.is_first else await _history(services, turn.message)
    words = turn.question
    if is_searched:
        words = await words_to_search(services, turn, history, door, report)
    found = desk.passages.add(await _found(turn, desk, words))
    if file_ids:
        attached = await attach(services, desk.workspace_id, file_ids, words, desk.passages)
        found = [*attached, *found]
    material = [marked("earlier conversation", summary)] if summary else []
    material += await told_of_runs(desk, request.get("executionIds", ()))
    return prompt(
        mode,
        history,
        found if is_searched else None,
        turn.question,
        own=request.get("instructions"),
        material=material,
    )


async def _found(turn: Turn, desk: Desk, words: str) -> list[Passage]:
    if turn.search is not None:
        return await turn.search
    return await search(desk.services, desk.workspace_id, desk.base_ids, words, turn.bases)


async def _history(services: Services, message: Message) -> tuple[str, list[ModelMessage]]:
    async with services.store.unit(message.workspace_id) as unit:
        newest_first = await unit.messages.before(message, MOST_MESSAGES + 1)
        summary = await unit.chats.summary(message.chat_id)
    return told(summary), recall(said(list(newest_first[1:])))  # without its question
