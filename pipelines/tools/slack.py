"""Slack's ``chat.postMessage``: https://docs.slack.dev/reference/methods/chat.postMessage."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, Field, JsonValue, model_validator

from core.http import Answer, Outgoing, json_body
from pipelines.references import dig
from pipelines.tools.base import Output, Params, Reach, Tool
from pipelines.tools.upstream import ServiceRefused, refused, understood

TOKEN: Final = "SLACK_BOT_TOKEN"  # noqa: S105 - the name of a secret, not a secret
# Slack says no with status 200; these are the statuses its codes stand for.
_STATUS: Final = {
    **dict.fromkeys(
        ["not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired"], 401
    ),
    **dict.fromkeys(
        [
            "missing_scope",
            "not_in_channel",
            "no_permission",
            "restricted_action",
            "ekm_access_denied",
        ],
        403,
    ),
    **dict.fromkeys(["channel_not_found", "thread_not_found", "user_not_found"], 404),
    **dict.fromkeys(["ratelimited", "rate_limited", "message_limit_exceeded"], 429),
    **dict.fromkeys(["internal_error", "fatal_error", "service_unavailable"], 503),
}


class SlackMessage(Params):
    channel: Annotated[
        str, Field(min_length=1, description="Id of a channel or user, or a name after #.")
    ]
    text: Annotated[
        str, Field(max_length=40_000, description="The text; with blocks, their plain fallback.")
    ] = ""
    blocks: Annotated[
        list[dict[str, JsonValue]] | None,
        Field(max_length=50, description="Block Kit blocks to show instead of the text."),
    ] = None
    thread_ts: Annotated[
        str | None, Field(description="The ts of the message to answer in its thread.")
    ] = None

    @model_validator(mode="after")
    def _says_something(self) -> SlackMessage:
        if not self.text and not self.blocks:
            raise ValueError("give text, blocks or both")
        return self


class _Posted(BaseModel):
    ok: bool
    error: str = ""
    ts: str = ""
    channel: str = ""
    message: dict[str, JsonValue] = Field(default_factory=dict)


async def send(reach: Reach, params: SlackMessage) -> Output:
    """Post a message to a Slack channel, or into a thread of one."""
    settings = reach.services.settings
    body: dict[str, JsonValue] = {"channel": params.channel, "text": params.text}
    if params.blocks:
        body["blocks"] = list(params.blocks)
    if params.thread_ts:
        body["thread_ts"] = params.thread_ts
    answer = await reach.services.http.request(
        Outgoing(
            "POST",
            settings.slack_base_url.rstrip("/") + "/chat.postMessage",
            reach.headers(
                Authorization=f"Bearer {reach.credentials[TOKEN]}",
                Content_Type="application/json; charset=utf-8",
            ),
            json_body(body),
            redirects=0,
            trusting=settings.slack_base_url,
        )
    )
    if answer.status != 200:
        raise refused("Slack", answer)
    posted = understood("Slack", _Posted, answer)
    if not posted.ok:
        raise _refusal(answer, posted.error)
    if not posted.ts:
        raise refused("Slack", answer, "its answer has no ts")
    return {"ts": posted.ts, "channel": posted.channel, "message": posted.message}


def _refusal(answer: Answer, code: str) -> ServiceRefused:
    """Return the error for ``ok: false``, with the scope or the field that Slack names."""
    body = answer.json()
    more = [dig(body, ("needed",)), dig(body, ("response_metadata", "messages", "0"))]
    said = ": ".join([code, *(text for text in more if isinstance(text, str))])
    return refused("Slack", answer, said, code, _STATUS.get(code, 400))


SLACK_MESSAGE: Final = Tool("slack_message", "communication", send, ((TOKEN,),))
