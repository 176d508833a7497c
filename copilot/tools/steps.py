"""The steps that a workflow can be built of in a line, and what block each becomes.

Each works on what the one before gave, so that nobody has to write references, ids or edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from pipelines.tools.base import Params

Settings = dict[str, JsonValue]


@dataclass(frozen=True)
class Made:
    """A block to be."""

    type: str
    name: str
    settings: Settings


class AskModel(Params):
    do: Literal["agent"]
    instructions: Annotated[str, Field(min_length=1, description="What the model is to do.")]
    from_documents: Annotated[bool, Field(description="It searches the documents and cites them.")]

    def made(self, before: str, base_ids: Sequence[str]) -> Made:
        settings: Settings = {"systemPrompt": self.instructions, "prompt": before}
        if self.from_documents:
            settings["knowledgeBaseIds"] = [*base_ids]
        return Made("agent", "Answer", settings)


class PostToSlack(Params):
    do: Literal["slack"]
    channel: Annotated[str, Field(min_length=1)]

    def made(self, before: str, _: Sequence[str]) -> Made:
        params: JsonValue = {"channel": self.channel, "text": before}
        return Made("tool", "Post", {"toolName": "slack_message", "params": params})


class SendMail(Params):
    do: Literal["mail"]
    to: Annotated[str, Field(min_length=1)]
    subject: str

    def made(self, before: str, _: Sequence[str]) -> Made:
        params: JsonValue = {"to": [self.to], "subject": self.subject, "body": before}
        return Made("tool", "Mail", {"toolName": "gmail_send", "params": params})


class Fetch(Params):
    do: Literal["fetch"]
    url: Annotated[str, Field(min_length=1)]

    def made(self, _: str, __: Sequence[str]) -> Made:
        return Made("api", "Fetch", {"url": self.url})


class Write(Params):
    do: Literal["template"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(min_length=1, description="<previous> is what came before.")]

    def made(self, before: str, _: Sequence[str]) -> Made:
        return Made("template", self.name, {"template": self.text.replace("<previous>", before)})


class Wait(Params):
    do: Literal["wait"]
    seconds: Annotated[float, Field(ge=0)]

    def made(self, _: str, __: Sequence[str]) -> Made:
        return Made("wait", "Wait", {"seconds": self.seconds})


class Respond(Params):
    do: Literal["response"]

    def made(self, before: str, _: Sequence[str]) -> Made:
        return Made("response", "Response", {"data": before})


Step = Annotated[
    AskModel | PostToSlack | SendMail | Fetch | Write | Wait | Respond, Field(discriminator="do")
]
