"""One turn of a chat: a leased task that writes to its log.

Whoever changes the message's status to a last one sends the last event. Readers follow the log;
the turn needs none of them to go on.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import Any, Final

import structlog

from copilot.agents import mode_kept
from copilot.announcing import announce
from copilot.approvals import Approvals
from copilot.begin import Turn
from copilot.briefing import briefing
from copilot.desk import Desk
from copilot.events import TurnLog, done_payload, written
from copilot.masking import hidden, secrets_of
from copilot.modes import PUBLISHED, Mode
from copilot.published import answer, end_run
from copilot.remembering import remember
from copilot.report import Report
from copilot.rules import door as rules
from copilot.steering import hearing
from copilot.toolbox import QUOTING, Gate, as_material, tools_at
from copilot.usage_meter import UsageMeter
from core.config import OFFLINE_CHAT_MODEL
from core.errors import NuxaError, ServiceUnavailable
from core.fair_limiter import QueueTimedOut
from core.models import chat
from core.models.chat import ChatDoor
from core.rights import Rights
from core.services import Services
from core.store.messages import Message
from pipelines.agent import Links, Task, as_it_is, run_agent
from pipelines.journal import storable
from pipelines.model_keys import own_key
from pipelines.passages import Passages

HEARTBEAT_SECONDS: Final = 1.0  # how soon a turn learns that its end was asked for
_WAITS: Final = (0.5, 2.0)  # seconds between tries to write a turn's end
_PATIENCE_SECONDS: Final = 0.5  # that an end waits for others' beginnings
_INTERRUPTED: Final = {
    "code": "INTERRUPTED",
    "message": "The process that wrote this answer ended; ask again.",
}

log = structlog.get_logger(__name__)
_running: Final[set[asyncio.Task[None]]] = set()


async def launch(services: Services, turn: Turn) -> None:
    """Run a new turn in the background of this process; call after the commit that began it."""
    task = asyncio.create_task(run(services, turn))
    _running.add(task)
    task.add_done_callback(_running.discard)
    await announce(services, turn)


async def stop_all() -> None:
    """End this process's turns as interrupted, before its services close."""
    for task in _running:
        task.cancel()
    await asyncio.gather(*_running, return_exceptions=True)


async def run(services: Services, turn: Turn, door: ChatDoor | None = None) -> None:
    """Write a new turn's answer, and its end, whatever happens meanwhile; ``door`` stands in for
    the model's own."""
    message = turn.message
    report = Report(TurnLog(services.events, message))
    work = asyncio.create_task(_work(services, turn, report, door or _door_of(turn)))
    try:
        while not (await asyncio.wait({work}, timeout=HEARTBEAT_SECONDS))[0]:
            is_to_end = await _renew(services, turn)
            if is_to_end is None:
                return await _stop(work)  # somebody else has ended it
            if is_to_end:
                await _stop(work)
                await report.log.flush()
                return await _end(
                    services, turn, await _broken_off(services, turn, report, "aborted")
                )
        await report.log.flush()
        await _let_others_begin(services, message.workspace_id)
        await _end(services, turn, await _conclusion(services, turn, report, work))
        if not turn.is_first:
            await _remember(services, message, door or chat.stream)
    except asyncio.CancelledError:
        is_whole = work.done() and not work.cancelled()
        await _stop(work)
        await report.log.flush()
        if is_whole:
            end = await _conclusion(services, turn, report, work)
        else:
            end = await _broken_off(services, turn, report, "failed", _INTERRUPTED)
        await _end(services, turn, end)
        raise


async def _let_others_begin(services: Services, workspace_id: str) -> None:
    """Let those go before, for a moment, who have come and wait for their first word."""
    with suppress(QueueTimedOut):
        async with services.retrievals.slot(workspace_id, _PATIENCE_SECONDS):
            pass


async def _remember(services: Services, message: Message, door: ChatDoor) -> None:
    try:
        await remember(services, message, door)
    except NuxaError as error:  # the next turn does it
        log.warning("no summary", chat_id=message.chat_id, code=error.code)


async def end_interrupted(services: Services) -> int:
    """End the turns whose process fell silent, for upkeep; return how many there were."""
    async with services.store.system() as unit:
        silent = await unit.turn_jobs.silent()
    count = 0
    for message in silent:
        if (message.request or {}).get("mode") == PUBLISHED:
            await end_run(services, message)
        end = await _broken_off(services, Turn(message, None), None, "failed", _INTERRUPTED)
        async with services.store.system() as unit:
            is_ended = await unit.turn_jobs.end_silent(message.id, end)
        if is_ended:
            await _say_end(services, message, end)
            count += 1
    return count


async def _work(services: Services, turn: Turn, report: Report, door: ChatDoor) -> None:
    request = turn.message.request or {}
    mode, given = mode_kept(request)
    if mode.name == PUBLISHED:
        await report.log.send("start", {"mode": mode.name, "model": None})
        await answer(services, turn.message, turn.question, report)
        return
    desk = _desk(services, turn, report, mode)
    _, messages, api_key, secrets, tools = await asyncio.gather(
        report.log.send("start", {"mode": mode.name, "model": request["model"]}),
        briefing(turn, desk, mode, door, report),
        own_key(services, desk.workspace_id, request["model"]),
        secrets_of(services, desk.workspace_id),
        tools_at(desk),
    )
    task = Task(
        hidden(messages, secrets),
        desk.passages,
        tools,
        model=request["model"],
        api_key=api_key,
        gate=Gate(desk, Approvals(desk, report.ask, given)),
        hear=hearing(services, turn.message, secrets),
        links=Links(services.settings.base_url, QUOTING),
        present=as_it_is if door is rules.answer else as_material,
        secrets=secrets,
    )
    report.meter = UsageMeter(door)
    async with aclosing(run_agent(task, report.meter)) as events:
        async for event in events:
            await report.take(event)


def _door_of(turn: Turn) -> ChatDoor:
    model = (turn.message.request or {}).get("model")
    return rules.answer if model == OFFLINE_CHAT_MODEL else chat.stream


def _desk(services: Services, turn: Turn, report: Report, mode: Mode) -> Desk:
    message, request = turn.message, turn.message.request or {}
    return Desk(
        services,
        message.workspace_id,
        request["userId"],
        Rights.read(request["rights"]),
        mode,
        request["baseIds"],
        request["workflowId"],
        Passages(),
        report.show,
        message.chat_id,
        message.id,
    )


async def _conclusion(
    services: Services, turn: Turn, report: Report, work: asyncio.Task[None]
) -> dict[str, Any]:
    """Return the end that finished work has come to."""
    try:
        work.result()
    except NuxaError as error:
        failure = {"code": error.code, "message": storable(error.message)}
    # Logged whole; readers wait for an end.
    except Exception:
        log.exception("turn failed", message_id=turn.message.id)
        failure = {
            "code": NuxaError.code,
            "message": "It failed unexpectedly; the service's log has the details.",
        }
    else:
        return {"status": "completed", **report.stored()}
    return await _broken_off(services, turn, report, "failed", failure)


async def _broken_off(
    services: Services,
    turn: Turn,
    report: Report | None,
    status: str,
    error: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an end that keeps exactly what readers have seen, and what the model has used."""
    seen = await written(services.events, turn.message)
    return {
        "status": status,
        "error": error,
        "content": seen.content,
        "citations": seen.citations,
        "tool_calls": seen.tool_calls,
        "artifacts": seen.artifacts,
        "notice": seen.notice,
        **(await report.unfinished_usage() if report else {}),
    }


async def _end(services: Services, turn: Turn, end: dict[str, Any]) -> None:
    if await _finish(services, turn, end):
        await _say_end(services, turn.message, end)


async def _finish(services: Services, turn: Turn, end: dict[str, Any]) -> bool:
    """End the turn's row; a database that is busy is asked again, and then left to upkeep."""
    message = turn.message
    for wait in (*_WAITS, None):
        try:
            async with services.store.unit(message.workspace_id) as unit:
                return await unit.messages.finish(message.id, turn.owner or "", end)
        except ServiceUnavailable:
            if wait is None:
                raise
        await asyncio.sleep(wait)
    raise AssertionError("the last try returns or raises")


async def _say_end(services: Services, message: Message, end: dict[str, Any]) -> None:
    turn_log = TurnLog(services.events, message)
    if end.get("error"):
        await turn_log.send("error", end["error"])
    await turn_log.send("done", done_payload(end))


async def _renew(services: Services, turn: Turn) -> bool | None:
    """Keep the turn; a database that is busy is asked again at the next beat."""
    seconds = services.settings.lease_seconds
    try:
        return await services.store.turn_leases.renew(turn.message.id, turn.owner or "", seconds)
    except ServiceUnavailable:
        log.warning("a turn's lease was not renewed", message_id=turn.message.id)
        return False


async def _stop(work: asyncio.Task[None]) -> None:
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
