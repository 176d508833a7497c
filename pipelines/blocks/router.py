"""``router``: a model reads the text and chooses the way that fits it best."""

from __future__ import annotations

from typing import ClassVar

from haystack import component
from pydantic import Field, JsonValue
from typing_extensions import override

from core.config import OFFLINE_CHAT_MODEL
from core.errors import UpstreamError
from core.models import chat
from pipelines.blocks.base import BlockSettings, Context, Output, Text, Values
from pipelines.blocks.component import BlockComponent
from pipelines.blocks.judging import judge

_INSTRUCTIONS = "Choose the one route that fits the material best, and say why in one sentence."


class Route(BlockSettings):
    id: str = Field(min_length=1)
    title: str = ""
    description: Text = ""

    @property
    def told(self) -> str:
        return ": ".join(part for part in (self.title, self.description) if part) or self.id


class RouterSettings(BlockSettings):
    prompt: Text = Field(description="What is routed.")
    model: Text = Field("", description="A litellm model name; empty: the configured one.")
    routes: list[Route] = Field(min_length=1, max_length=100)


@component
class Router(BlockComponent[RouterSettings]):
    """With the offline answerer, which cannot choose, the route nearest in meaning is taken."""

    type_name = "router"
    title = "Router"
    description = "Has a model choose one of several ways by what they are said to be for."
    outputs: ClassVar = {
        "selectedRoute": "string",
        "reason": "string",
        "model": "string",
        "tokens": "object",
        "cost": "number",
    }
    settings = RouterSettings

    @override
    async def execute(self, context: Context, settings: RouterSettings) -> Output:
        model = settings.model or chat.configured_model()
        if model == OFFLINE_CHAT_MODEL:
            return await _nearest(settings, context.workspace_id)
        routes = settings.routes
        listed = "\n".join(f"- {route.id}: {route.told}" for route in routes)
        ids: list[JsonValue] = [route.id for route in routes]
        schema: dict[str, JsonValue] = {
            "type": "object",
            "properties": {
                "route": {"type": "string", "enum": ids},
                "reason": {"type": "string"},
            },
            "required": ["route", "reason"],
            "additionalProperties": False,
        }
        instructions = f"{_INSTRUCTIONS}\nRoutes:\n{listed}"
        fields, spent = await judge(context, settings.model, instructions, settings.prompt, schema)
        chosen = fields.get("route")
        if chosen not in ids:
            raise UpstreamError(
                f"The model {model} chose {str(chosen)[:60]!r}, which is none of the routes; try "
                "again or use another model."
            )
        return {"selectedRoute": chosen, "reason": str(fields.get("reason") or ""), **spent}

    @classmethod
    @override
    def branches(cls, values: Values) -> frozenset[str]:
        return frozenset(f"router-{route_id}" for route_id in cls._ids(values))

    @classmethod
    @override
    def chosen(cls, output: Output) -> frozenset[str]:
        return frozenset({f"router-{output['selectedRoute']}"})

    @classmethod
    @override
    def further_problems(cls, values: Values) -> list[tuple[str, str]]:
        ids = cls._ids(values)
        return [("routes", "two routes have the same id")] if len(set(ids)) < len(ids) else []

    @classmethod
    def _ids(cls, values: Values) -> list[str]:
        routes = cls.read(values).get("routes")
        items = routes if isinstance(routes, list) else []
        return [str(item["id"]) for item in items if isinstance(item, dict) and item.get("id")]


async def _nearest(settings: RouterSettings, workspace_id: str) -> Output:
    """Choose the route whose description has the highest cosine with the text."""
    from core.models.embed import get_embedder  # numpy and the models behind it are heavy

    embedder = get_embedder()
    asked = await embedder.embed_query(settings.prompt, workspace_id)
    told = await embedder.embed_passing([route.told for route in settings.routes], workspace_id)
    cosines = [float(cosine) for cosine in told @ asked]
    best = max(range(len(cosines)), key=cosines.__getitem__)
    reason = f"Nearest in meaning to the text, by a cosine of {cosines[best]:.2f}."
    return {
        "selectedRoute": settings.routes[best].id,
        "reason": reason,
        "model": embedder.model_name,
        "tokens": {},
        "cost": None,
    }
