"""What an agent block hands on, and the format that it may be told to answer in."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import JsonValue

from core.errors import UpstreamError
from pipelines.agent import Done
from pipelines.blocks.base import Output
from pipelines.calling import ToolResult
from pipelines.citations import Citation

_SPELLED = ("json_schema", "json_object", "text")


def response_format(given: Mapping[str, JsonValue] | None) -> dict[str, JsonValue] | None:
    """Return a format as the chat door takes it.

    ``given`` is OpenAI's own form, ``{"name", "schema"}``, or a bare JSON Schema.
    """
    if not given:
        return None
    if given.get("type") in _SPELLED:
        return dict(given)
    schema = given.get("schema", dict(given))
    named: JsonValue = {"name": str(given.get("name") or "answer"), "schema": schema}
    return {"type": "json_schema", "json_schema": named}


def fields_of(done: Done) -> Output:
    """Return the fields of an answer in JSON; raises ``UpstreamError`` when it is none."""
    try:
        answer: JsonValue = json.loads(done.content)
    except (ValueError, RecursionError) as error:
        raise UpstreamError(
            f"The model {done.model} did not answer in the asked format; "
            "try again, with more maxTokens, or with another model."
        ) from error
    return answer if isinstance(answer, dict) else {}


def output_of(done: Done, fields: Output) -> Output:
    """Return the block's outputs; those of its own hide answer fields of the same name."""
    sent, received = done.input_tokens, done.output_tokens
    return {
        **fields,
        "content": done.content,
        "model": done.model,
        "tokens": {"input": sent, "output": received, "total": sent + received},
        "toolCalls": [_call(result) for result in done.results],
        "citations": [_citation(citation) for citation in done.citations],
        "cost": done.cost,
    }


def _call(result: ToolResult) -> JsonValue:
    return {
        "id": result.call.id,
        "name": result.call.name,
        "arguments": result.call.arguments,
        "status": result.status,
        "output": result.output,
    }


def _citation(citation: Citation) -> JsonValue:
    return {
        "n": citation.n,
        "documentId": citation.document_id,
        "documentName": citation.document_name,
        "chunkId": citation.chunk_id,
        "page": citation.page,
        "bbox": list(citation.bbox) if citation.bbox is not None else None,
        "quote": citation.quote,
        "startOffset": citation.start_offset,
        "endOffset": citation.end_offset,
        **({"edited": True} if citation.edited else {}),
    }
