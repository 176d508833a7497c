"""Sends webhooks: signed, tried again with growing pauses, each attempt written down.

The log is what a recovered run goes on from: a message that was taken is not sent again, and the
attempts before a crash count.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from core.errors import UpstreamError
from core.http import Answer, Outgoing
from core.ids import new_id
from core.store.sent_webhooks import SentWebhook
from core.webhook_signing import sign
from pipelines.blocks.base import Context
from pipelines.masking import mask
from pipelines.references import as_text
from pipelines.tools.upstream import retry_after

PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before each repeat
_LONGEST_PAUSE: Final = 60.0
_TRY_AGAIN: Final = frozenset({408, 425, 429})  # and all from 500 on
_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Message:
    """What is sent; without a ``secret`` it is not signed."""

    url: str
    body: bytes
    secret: str


async def deliver(context: Context, message: Message) -> tuple[int, int]:
    """Send until it is taken; return the answer's status and the number of attempts.

    Raises ``UpstreamError`` when it is refused for good or all attempts have failed, and
    ``ValidationFailed`` for a URL that is not called.
    """
    sent = await _begun(context, message)
    while sent.status == "pending":
        attempts = len(sent.attempts)
        if attempts:
            await _pause(_seconds(sent.attempts[-1], attempts))
        attempt, is_final = await _attempt(context, message, sent.id)
        over = is_final or attempts + 1 > len(PAUSES)
        status = "delivered" if "error" not in attempt else "failed" if over else "pending"
        sent = await _noted(context, status, attempt)
    last = sent.attempts[-1]
    if sent.status == "failed":
        raise UpstreamError(
            f"The webhook was not taken: {last['error']}, at attempt {len(sent.attempts)}. "
            "Look at the URL and run it again."
        )
    return int(last["status"]), len(sent.attempts)


async def _begun(context: Context, message: Message) -> SentWebhook:
    """Return the row of this block's message, made at its first start."""
    async with context.services.store.unit(context.workspace_id) as unit:
        found = await unit.sent_webhooks.at(context.execution_id, *context.place)
        if found is not None:
            return found
        block_id, iteration = context.place
        sent = SentWebhook(
            id=new_id("msg"),
            execution_id=context.execution_id,
            block_id=block_id,
            iteration=iteration,
            url=as_text(mask(message.url, context.scope.secrets)),
            status="pending",
            attempts=[],
        )
        unit.sent_webhooks.add(sent)
    return sent


async def _attempt(
    context: Context, message: Message, message_id: str
) -> tuple[dict[str, Any], bool]:
    """Send once; return what to note, and whether its failure is final."""
    at = time.time()
    note: dict[str, Any] = {"at": datetime.fromtimestamp(at, UTC).isoformat()}
    headers = {"Content-Type": "application/json", "Idempotency-Key": context.idempotency_key}
    secrets = [message.secret] if message.secret else []
    headers |= sign(message.body, secrets, message_id, int(at)) if secrets else {}
    call = Outgoing("POST", message.url, headers, message.body, seconds=_SECONDS, redirects=0)
    try:
        answer = await context.services.http.request(call)
    except UpstreamError as error:
        is_final, note["error"] = False, as_text(mask(error.message, context.scope.secrets))
    else:
        is_final = _judge(answer, note)
    note["durationMs"] = round((time.time() - at) * 1000)
    return note, is_final


def _judge(answer: Answer, note: dict[str, Any]) -> bool:
    """Note what an answer says; return whether sending again would be of no use."""
    note["status"] = answer.status
    if answer.is_success:
        return True
    note["error"] = f"the answer was {answer.status}"
    wait = retry_after(answer)
    if wait is not None:
        note["retryAfter"] = wait
    return answer.status < 500 and answer.status not in _TRY_AGAIN


def _seconds(last: Mapping[str, Any], attempts: int) -> float:
    own = PAUSES[attempts - 1]
    return min(max(own, float(last.get("retryAfter", 0))), _LONGEST_PAUSE)


async def _noted(context: Context, status: str, attempt: dict[str, Any]) -> SentWebhook:
    async with context.services.store.unit(context.workspace_id) as unit:
        sent = await unit.sent_webhooks.at(context.execution_id, *context.place)
        if sent is None:
            raise UpstreamError("The webhook's log is gone with its run; run it again.")
        sent.status, sent.attempts = status, [*sent.attempts, attempt]
    return sent


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)
