"""The rules before a small model: they choose the tools of questions that they know, it tells."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from copilot.rules.calls import Result
from copilot.rules.door import called, question_in
from copilot.rules.plans import Plan, plan_for
from core.models import chat
from core.models.messages import ChatDelta, ChatRequest
from pipelines.calling import ToolResult


@dataclass
class Guided:
    """A chat door for one turn. A question that no rule knows is the model's alone.

    A small model draws no chart of numbers that it must copy, and answers questions about the
    service out of its own head: so for those the plan's calls are made first, and it is asked to
    answer from what they returned.
    """

    results: list[Result] = field(default_factory=list)
    _plan: Plan | None = None
    _is_begun: bool = False

    def overhear(self, result: ToolResult) -> None:
        """Take note of what a tool returned, whole, however little of it the model is given."""
        is_object = result.status == "success" and isinstance(result.output, dict)
        output = result.output if is_object else None
        told = "" if isinstance(output, dict) else str(result.output)[:500]
        self.results.append(Result(result.call.name, output, told))

    async def __call__(self, request: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
        if not self._is_begun:
            self._is_begun = True
            self._plan = plan_for(question_in(request.messages)) if request.tools else None
        uses = self._plan.next(self.results) if self._plan else []
        if uses and request.may_call_tools:
            for delta in called(uses, request.model or chat.configured_model()):
                yield delta
            return
        wanted = replace(request, may_call_tools=False) if self._plan else request
        async with aclosing(chat.stream(wanted)) as deltas:
            async for delta in deltas:
                yield delta
