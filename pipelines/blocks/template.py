"""``template``: a text with references filled in; no other template language is involved."""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from pipelines.blocks.base import BlockKind, BlockSettings, Context, Output, Text


class TemplateSettings(BlockSettings):
    template: Text


class Template(BlockKind[TemplateSettings]):
    type_name = "template"
    title = "Template"
    description = "Writes a text with references such as <start.input> filled in."
    outputs: ClassVar = {"text": "string"}
    settings = TemplateSettings

    @override
    async def run(self, context: Context, settings: TemplateSettings) -> Output:
        return {"text": settings.template}
