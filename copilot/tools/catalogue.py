"""What workflows are made of and begun with: kinds of blocks, templates, and how things work."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, JsonValue

from copilot.desk import Desk
from copilot.guide import best_sections
from copilot.tools.base import CopilotTool
from core.text import analyze
from pipelines.blocks import schemas
from pipelines.templates import Template, all_templates
from pipelines.tools.base import Params

_MOST_IN_FULL: Final = 3


class Wanted(Params):
    text: Annotated[
        str, Field(max_length=200, description="What is looked for, in a few words; '' for all.")
    ] = ""


class Question(Params):
    question: Annotated[
        str, Field(min_length=1, max_length=1_000, description="What is to be explained.")
    ]


async def find_blocks(_: Desk, params: Wanted) -> JsonValue:
    """List kinds of blocks; where three or fewer fit, with their settings and outputs."""
    every = schemas()
    by_type = [each for each in every if str(each["type"]).lower() == params.text.strip().lower()]
    fitting = by_type or _ranked(every, params.text, _told_of_block)
    is_full = len(fitting) <= _MOST_IN_FULL
    found: list[JsonValue] = [each if is_full else _short(each) for each in fitting]
    return {"blocks": found, "of": len(every)}


async def find_templates(_: Desk, params: Wanted) -> JsonValue:
    """List workflows to begin with; POST /api/workflows/import makes one the user's own."""
    every = list(all_templates())
    found: list[JsonValue] = [
        {"id": t.id, "name": t.name, "category": t.category, "description": t.description}
        for t in _ranked(every, params.text, _told_of_template)
    ]
    categories: list[JsonValue] = [*sorted({template.category for template in every})]
    return {"templates": found, "of": len(every), "categories": categories}


async def explain(_: Desk, params: Question) -> JsonValue:
    """Look up how Nuxa Flow works: references, variables, conditions, loops, triggers, errors."""
    sections: list[JsonValue] = [
        {"title": section.title, "text": section.text} for section in best_sections(params.question)
    ]
    return {"sections": sections}


def _ranked(every: list[Any], text: str, told: Any) -> list[Any]:
    """Return what has at least one of the words in it, those with most first; all for no words."""
    wanted = set(analyze(text, "en"))
    if not wanted:
        return every
    scored = [(len(wanted & set(analyze(told(each), "en"))), each) for each in every]
    best = sorted((pair for pair in scored if pair[0]), key=lambda pair: -pair[0])
    return [each for score, each in best if score == best[0][0] or score * 2 > len(wanted)]


def _short(schema: dict[str, Any]) -> dict[str, JsonValue]:
    return {key: schema[key] for key in ("type", "name", "description")}


def _told_of_block(schema: dict[str, Any]) -> str:
    return f"{schema['type']} {schema['name']} {schema['description']}"


def _told_of_template(template: Template) -> str:
    return f"{template.name} {template.category} {template.description}"


FIND_BLOCKS: Final = CopilotTool("find_blocks", find_blocks, "copilot")
FIND_TEMPLATES: Final = CopilotTool("find_templates", find_templates, "copilot")
EXPLAIN: Final = CopilotTool("explain", explain, "copilot")
TOOLS: Final = (FIND_BLOCKS, FIND_TEMPLATES, EXPLAIN)
