"""``template``: a text with references filled in; no other template language is involved."""

from __future__ import annotations

from typing import ClassVar

from haystack import component
from typing_extensions import override

from pipelines.blocks.base import BlockSettings, Context, Output, Text
from pipelines.blocks.component import BlockComponent


class TemplateSettings(BlockSettings):
    template: Text


@component
class Template(BlockComponent[TemplateSettings]):
    type_name = "template"
    title = "Template"
    description = "Writes a text with references such as <start.input> filled in."
    outputs: ClassVar = {"text": "string"}
    settings = TemplateSettings

    @override
    async def execute(self, context: Context, settings: TemplateSettings) -> Output:
        return {"text": settings.template}
