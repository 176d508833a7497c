"""OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat/create."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, Field, JsonValue, model_validator

from core.http import Outgoing, json_body
from pipelines.tools.base import Output, Params, Reach, Tool
from pipelines.tools.upstream import refused, said_in, understood

KEY: Final = "OPENAI_API_KEY"


class Completion(Params):
    model: Annotated[str, Field(min_length=1, description="Name of the model: gpt-4o-mini, …")]
    messages: Annotated[
        list[dict[str, JsonValue]] | None,
        Field(min_length=1, description="Messages with role and content; or give a prompt."),
    ] = None
    prompt: Annotated[str | None, Field(min_length=1, description="One message of the user.")] = (
        None
    )
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    max_tokens: Annotated[
        int | None, Field(ge=1, description="Most tokens of the answer, thinking included.")
    ] = None

    @model_validator(mode="after")
    def _asks_once(self) -> Completion:
        if (self.messages is None) == (self.prompt is None):
            raise ValueError("give either messages or a prompt")
        return self


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class _Completed(BaseModel):
    model: str
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: _Usage | None = None


async def complete(reach: Reach, params: Completion) -> Output:
    """Have a model of OpenAI, or of a server that speaks its API, answer messages or a prompt."""
    settings = reach.services.settings
    messages: list[JsonValue] = (
        list(params.messages) if params.messages else [{"role": "user", "content": params.prompt}]
    )
    body: dict[str, JsonValue] = {"model": params.model, "messages": messages}
    if params.temperature is not None:
        body["temperature"] = params.temperature
    if params.max_tokens is not None:
        # max_tokens is deprecated, and refused by the models that think
        body["max_completion_tokens"] = params.max_tokens
    answer = await reach.services.http.request(
        Outgoing(
            "POST",
            settings.openai_base_url.rstrip("/") + "/chat/completions",
            reach.headers(
                Authorization=f"Bearer {reach.credentials[KEY]}", Content_Type="application/json"
            ),
            json_body(body),
            seconds=settings.chat_timeout_seconds,
            redirects=0,
            trusting=settings.openai_base_url,
        )
    )
    if answer.status != 200:
        said, reason = (said_in(answer, "error", field) for field in ("message", "code"))
        raise refused("OpenAI", answer, said, reason or said_in(answer, "error", "type"))
    return _output(understood("OpenAI", _Completed, answer))


def _output(done: _Completed) -> Output:
    first = done.choices[0]
    usage = done.usage or _Usage()
    output: Output = {
        "content": first.message.content or "",
        "model": done.model,
        "finishReason": first.finish_reason,
        "tokens": {
            "input": usage.prompt_tokens,
            "output": usage.completion_tokens,
            "total": usage.total_tokens,
        },
    }
    if first.message.refusal:
        output["refusal"] = first.message.refusal
    return output


OPENAI_COMPLETE: Final = Tool(
    "openai_complete", "models", complete, ((KEY,),), read_only=True, requires_approval=True
)
