"""The checks of ``guardrails``: each says whether a text passes, and why not."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

import regex
from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

from core.config import OFFLINE_CHAT_MODEL
from core.errors import ValidationFailed
from core.models import chat
from core.sentences import sentences
from pipelines import personal_data
from pipelines.blocks.base import BlockSettings, Context, Output, Text
from pipelines.blocks.judging import judge
from pipelines.blocks.knowledge import BaseIds
from pipelines.json_schema import SchemaUnusable, misfit
from pipelines.passages import Passages
from pipelines.references import as_text
from pipelines.support import find_support

_PATTERN_SECONDS: Final = 1.0
_LONGEST_QUOTE: Final = 120
_MAX_GROUNDED_CHARS: Final = 200_000
_JUDGES: Final = "Say whether the material keeps to this rule, and why in one sentence. The rule: "


@dataclass(frozen=True)
class Verdict:
    """``reason`` is a sentence, also of a pass; ``spent`` is what a model took."""

    passed: bool
    reason: str
    spent: Output = field(default_factory=dict)


def _pattern(text: str) -> str:
    try:
        regex.compile(text)
    except regex.error as error:
        raise ValueError(f"the pattern cannot be read: {error}") from error
    return text


def _listed(given: JsonValue) -> JsonValue:
    """Read one text, or whatever a reference brought, as a list of texts."""
    items = given if isinstance(given, list) else [given]
    return [as_text(item) for item in items if item not in (None, "")]


class Json(BlockSettings):
    """The text is JSON, and fits a JSON Schema if one is given."""

    type: Literal["json"]
    schema_: dict[str, JsonValue] | None = Field(None, alias="schema")


class Regex(BlockSettings):
    """The pattern occurs in the text, or must not."""

    type: Literal["regex"]
    pattern: Annotated[str, AfterValidator(_pattern)] = Field(min_length=1, max_length=1000)
    must_match: bool = True


class Length(BlockSettings):
    """The text has so many characters."""

    type: Literal["length"]
    min: int = Field(0, ge=0)
    max: int | None = Field(None, ge=0)


class Pii(BlockSettings):
    """No personal data is in the text."""

    type: Literal["pii"]
    kinds: tuple[personal_data.Kind, ...] = Field(personal_data.KINDS, min_length=1)


class Grounded(BlockSettings):
    """Each sentence is borne out by the sources given or by what knowledge bases hold on it."""

    type: Literal["grounded"]
    sources: Annotated[list[str], BeforeValidator(_listed)] = Field(default_factory=list)
    knowledge_base_ids: BaseIds = Field(default_factory=list)
    min_share: float = Field(1.0, gt=0, le=1, description="Least share of borne out sentences.")


class Judge(BlockSettings):
    """A model says that the text keeps to a rule."""

    type: Literal["model"]
    rule: Text = Field(min_length=1)


Check = Annotated[Json | Regex | Length | Pii | Grounded | Judge, Field(discriminator="type")]


async def verdict(context: Context, check: Check, text: str, model: str) -> Verdict:
    """Check a text."""
    match check:
        case Json():
            return await asyncio.to_thread(_is_json, check, text)
        case Regex():
            return await asyncio.to_thread(_matches, check, text)
        case Length():
            return _has_length(check, text)
        case Pii():
            return await asyncio.to_thread(_is_impersonal, check, text)
        case Grounded():
            return await _is_grounded(context, check, text)
        case Judge():
            return await _is_approved(context, check, text, model)


def _is_json(check: Json, text: str) -> Verdict:
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return Verdict(False, "The text is no JSON.")
    try:
        wrong = misfit(check.schema_, value) if check.schema_ is not None else None
    except SchemaUnusable as error:
        sentence = f"The schema of the check json cannot be used: {error.message}."
        raise ValidationFailed(sentence) from error
    if wrong is not None:
        return Verdict(False, f"The JSON does not fit the schema: {wrong.message}.")
    return Verdict(True, "The text is JSON as asked for.")


def _matches(check: Regex, text: str) -> Verdict:
    try:
        is_there = regex.search(check.pattern, text, timeout=_PATTERN_SECONDS) is not None
    except TimeoutError as error:
        raise ValidationFailed(
            f"The pattern {check.pattern[:60]!r} takes longer than {_PATTERN_SECONDS:g} s on this "
            "text; write it without nested repeats."
        ) from error
    seen = "occurs in" if is_there else "does not occur in"
    return Verdict(is_there == check.must_match, f"The pattern {check.pattern!r} {seen} the text.")


def _has_length(check: Length, text: str) -> Verdict:
    most = check.max if check.max is not None else len(text)
    bounds = f"{check.min} to {check.max if check.max is not None else 'any number of'}"
    return Verdict(
        check.min <= len(text) <= most,
        f"The text has {len(text)} characters; asked for are {bounds}.",
    )


def _is_impersonal(check: Pii, text: str) -> Verdict:
    kinds = [found.kind for found in personal_data.find(text, check.kinds)]
    if not kinds:
        return Verdict(True, "No personal data was found.")
    counted = ", ".join(f"{kinds.count(kind)} × {kind}" for kind in dict.fromkeys(kinds))
    return Verdict(False, f"Personal data was found: {counted}.")


async def _is_grounded(context: Context, check: Grounded, text: str) -> Verdict:
    if not check.sources and not check.knowledge_base_ids:
        raise ValidationFailed("The check grounded needs sources or knowledgeBaseIds; give one.")
    given = len(text) + sum(map(len, check.sources))
    if given > _MAX_GROUNDED_CHARS:
        raise ValidationFailed(
            f"The check grounded reads {_MAX_GROUNDED_CHARS:,} characters, text and sources "
            "together; send less."
        )
    said = await asyncio.to_thread(lambda: [text[start:end] for start, end in sentences(text)])
    if not said:
        return Verdict(True, "There is no sentence to bear out.")
    lacking = [claim for claim in said if not await _is_borne_out(context, check, claim)]
    share = 1 - len(lacking) / len(said)
    if share >= check.min_share:
        return Verdict(True, f"{share:.0%} of the sentences are borne out.")
    quoted = lacking[0][:_LONGEST_QUOTE]
    return Verdict(False, f"Only {share:.0%} of the sentences are borne out; not: “{quoted}”")


async def _is_borne_out(context: Context, check: Grounded, claim: str) -> bool:
    if await asyncio.to_thread(_supports, check.sources, claim):
        return True
    if not check.knowledge_base_ids:
        return False
    from pipelines.retrieval import retrieve  # numpy and the models behind it are heavy

    store, base_ids = context.services.store, check.knowledge_base_ids
    found = await retrieve(store, context.workspace_id, base_ids, claim, Passages())
    return any(find_support(claim, passage.text) for passage in found)


def _supports(sources: list[str], claim: str) -> bool:
    return any(find_support(claim, source) for source in sources)


async def _is_approved(context: Context, check: Judge, text: str, model: str) -> Verdict:
    if (model or chat.configured_model()) == OFFLINE_CHAT_MODEL:
        raise ValidationFailed("The offline answerer cannot judge; choose a model for the block.")
    schema: dict[str, JsonValue] = {
        "type": "object",
        "properties": {"passed": {"type": "boolean"}, "reason": {"type": "string"}},
        "required": ["passed", "reason"],
        "additionalProperties": False,
    }
    fields, spent = await judge(context, model, f"{_JUDGES}{check.rule}", text, schema)
    reason = str(fields.get("reason") or "The model gave no reason.")
    return Verdict(fields.get("passed") is True, reason, spent)
