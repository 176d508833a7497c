"""Tools that write wait for their user's word, whatever the text says that asked for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from copilot.desk import Desk
from copilot.permission import ToolRefused, permit
from copilot.tools.base import CopilotTool
from core.errors import Conflict, Forbidden, NotFound
from core.ids import new_id
from core.models.messages import ToolCall
from core.rights import Rights
from core.store.approvals import Approval
from core.store.unit import Unit
from pipelines.journal import storable

Decision = Literal["allow", "allowForChat", "skip"]
Ask = Callable[[ToolCall], Awaitable[None]]
Find = Callable[[Unit, str], Awaitable[CopilotTool[Any]]]

PATIENCE_SECONDS: Final = 600.0  # how long a turn waits; then the call is left out
_LOOK_SECONDS: Final = 0.3


@dataclass(frozen=True)
class Approvals:
    """Of one turn. ``ask`` tells its readers; ``given`` are tools that need not be asked for."""

    desk: Desk
    ask: Ask
    given: frozenset[str] = frozenset()

    async def wait(self, tool: CopilotTool[Any], call: ToolCall, arguments: dict[str, Any]) -> None:
        """Return once the call is allowed; raise ``ToolRefused`` when it is skipped."""
        if tool.name in self.given or await self._is_allowed_for_chat(tool.name):
            return
        approval_id = await self._open(call, arguments)
        await self.ask(call)
        if await self._decision(approval_id) == "skip":
            raise ToolRefused(f"The user did not allow {tool.name}; go on without it, or ask why.")
        await permit(self.desk, tool)  # minutes may have passed

    async def _is_allowed_for_chat(self, name: str) -> bool:
        desk = self.desk
        async with desk.services.store.unit(desk.workspace_id) as unit:
            chat = await unit.chats.get(desk.chat_id or "", desk.user_id)
        return chat is not None and name in chat.allowed_tools

    async def _open(self, call: ToolCall, arguments: dict[str, Any]) -> str:
        desk, approval_id = self.desk, new_id("apr")
        if desk.chat_id is None or desk.message_id is None:
            raise RuntimeError("only a turn's calls are asked for")
        row = Approval(
            id=approval_id,
            chat_id=desk.chat_id,
            message_id=desk.message_id,
            tool_call_id=storable(call.id),
            name=call.name,
            arguments=storable(arguments),
        )
        async with desk.services.store.unit(desk.workspace_id) as unit:
            unit.approvals.add(row)
        return approval_id

    async def _decision(self, approval_id: str) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = await self._look(approval_id)
            if found is not None:
                return found
            if time.monotonic() > deadline:
                await self._give_up(approval_id)
                return await self._look(approval_id) or "skip"  # it may have come just now
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self, approval_id: str) -> str | None:
        async with self.desk.services.store.unit(self.desk.workspace_id) as unit:
            return await unit.approvals.decision(approval_id)

    async def _give_up(self, approval_id: str) -> None:
        async with self.desk.services.store.unit(self.desk.workspace_id) as unit:
            await unit.approvals.decide(approval_id, "skip")


async def decide(
    unit: Unit,
    find: Find,
    user_id: str,
    rights: Rights,
    decision: Decision,
    tool_call_id: str,
    message_id: str | None = None,
) -> Approval:
    """Decide a call that waits in one of the user's chats; the same again changes nothing.

    Raises ``NotFound``, ``Conflict`` where several wait under that id or another decision was
    made, and ``Forbidden`` for who allows what they may not do themselves.
    """
    asked = await unit.approvals.asked(user_id, tool_call_id, message_id)
    if not asked:
        raise NotFound("No call of that id was asked for in a chat of yours.")
    waiting = [row for row in asked if row.decision is None]
    if len(waiting) > 1:
        raise Conflict("Several calls of that id wait; name the messageId, too.")
    row = waiting[0] if waiting else asked[0]
    if row.decision not in (None, decision):
        raise Conflict(f"It was decided before: {row.decision}.")
    if decision != "skip":
        tool = await find(unit, row.name)
        if refusal := rights.missing(tool.role, tool.domain):
            raise Forbidden(f"You may not allow {tool.name}: {refusal}")
    if await unit.approvals.decide(row.id, decision) and decision == "allowForChat":
        await unit.chats.lock(row.chat_id)
        chat = await unit.chats.get(row.chat_id, user_id)
        if chat is not None:
            await unit.chats.allow(chat, row.name)
    return row
