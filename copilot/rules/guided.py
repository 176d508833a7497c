"""The rules before a small model: what they know they answer, the rest is the model's."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final

from copilot.rules.calls import Result
from copilot.rules.door import find_plan, followed, question_in, said
from copilot.rules.plans import Plan
from copilot.rules.telling import built
from core.models import chat
from core.models.messages import ChatDelta, ChatRequest
from pipelines.calling import ToolResult

_BUILD: Final = "build_workflow"
_RUNNING: Final = re.compile(r"\b(?:run|test|try|execute)\b", re.IGNORECASE)
_CHANGING: Final = re.compile(
    r"\b(?:delete|remove|rename|replace|change|move|disconnect|edit|update|fix|undo)\b",
    re.IGNORECASE,
)


@dataclass
class Guided:
    """A chat door for one turn.

    A small model draws no chart of numbers that it must copy, answers questions about the service
    out of its own head, and leaves names and figures out of what it tells: so those that a rule
    knows are answered as without a model, by calls that the answer names, and what was built is
    told by a rule.
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
            self._plan = await find_plan(request)
        if self._plan and request.may_call_tools:
            for delta in followed(self._plan, self.results):
                yield delta
            return
        if self._has_built(request):
            for delta in said(built(self.results[-1])):
                yield delta
            return
        async with aclosing(chat.stream(_narrowed(request))) as deltas:
            async for delta in deltas:
                yield delta

    def _has_built(self, request: ChatRequest) -> bool:
        """Whether all that was asked for is built: of that a small model says whatever was last."""
        last = self.results[-1] if self.results else None
        is_built = last is not None and last.tool == _BUILD and last.output is not None
        return is_built and not _RUNNING.search(question_in(request.messages))


def _narrowed(request: ChatRequest) -> ChatRequest:
    """Return a request to build a workflow with the tool for that alone, which says what stands in
    the way of a run, too: shown all, a small model looks blocks up again and again, reads workflows
    that are not there, or runs what is not built yet. Who asks to change what is there has all the
    others, since that one only adds."""
    if not any(tool.name == _BUILD for tool in request.tools):
        return request
    question = question_in(request.messages)
    if _CHANGING.search(question):
        return replace(request, tools=[tool for tool in request.tools if tool.name != _BUILD])
    shown = {_BUILD, "run_workflow"} if _RUNNING.search(question) else {_BUILD}
    return replace(request, tools=[tool for tool in request.tools if tool.name in shown])
