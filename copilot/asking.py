"""What a turn searches for: its question as it is, or made whole in the light of the chat."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from copilot.begin import Turn
from copilot.masking import hidden, secrets_of
from copilot.memory import search_words
from copilot.report import Report
from core.errors import UpstreamError
from core.models.chat import ChatDoor
from core.models.messages import Message
from core.services import Services
from pipelines.model_keys import own_key
from pipelines.rewriting import can_rewrite, rewrite

log = structlog.get_logger(__name__)


async def words_to_search(
    services: Services, turn: Turn, history: Sequence[Message], door: ChatDoor, report: Report
) -> str:
    """Return the words; a follow-up of few words is made whole by the turn's model.

    Without one, with ``NUXA_REWRITE_FOLLOW_UPS`` off, and when it fails, the question before
    stands in front.
    """
    by_rule = search_words(turn.question, history)
    workspace_id, model = turn.message.workspace_id, (turn.message.request or {}).get("model")
    is_asked = services.settings.rewrite_follow_ups and can_rewrite(model)
    if by_rule == turn.question or not is_asked:
        return by_rule
    secrets = await secrets_of(services, workspace_id)
    told = hidden([*history, {"role": "user", "content": turn.question}], secrets)
    key = await own_key(services, workspace_id, model)
    try:
        found = await rewrite(
            str(told[-1]["content"]),
            door,
            history=told[:-1],
            model=model,
            api_key=key,
        )
    except UpstreamError as error:
        log.warning("no query by the model", chat_id=turn.message.chat_id, code=error.code)
        return by_rule
    if found.spent:
        report.spend(found.spent)
    return found.queries[0] if found.queries else by_rule
