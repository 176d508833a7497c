"""Dify's nodes that ask a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import JsonValue

from pipelines.imports.dify_node import Node, parameters_of, value_of

_PROVIDERS: Final = {"openai", "anthropic", "gemini", "deepseek", "mistral", "groq", "ollama"}


def llm(node: Node) -> None:
    template = node.data.get("prompt_template") or []
    said = template if isinstance(template, list) else [{"role": "user", **template}]
    context = node.data.get("context") or {}
    selector = context.get("variable_selector") or [] if context.get("enabled") else []
    if any(message.get("edition_type") == "jinja2" for message in said):
        node.draft.warn(f'Block "{node.origin.name}": Jinja in its prompt is left as it stands.')
    messages: list[JsonValue] = [
        {"role": m.get("role") or "user", "content": node.references.text(m.get("text"), selector)}
        for m in said
    ]
    if node.data.get("memory"):
        node.draft.warn(f'Block "{node.origin.name}" has no memory of earlier messages here.')
        asked = node.data["memory"].get("query_prompt_template") or "{{#sys.query#}}"
        messages.append({"role": "user", "content": node.references.text(asked)})
    if (node.data.get("vision") or {}).get("enabled"):
        node.draft.warn(f'Block "{node.origin.name}" reads no pictures here.')
    settings: dict[str, JsonValue] = {"messages": messages, **_model(node)}
    node.draft.add(node.origin, "agent", settings, node.rest("prompt_template", "context"))


def classifier(node: Node) -> None:
    prompt = node.references.token(node.data.get("query_variable_selector") or [])
    instruction = node.references.text(node.data.get("instruction"))
    routes: list[JsonValue] = [
        {"id": str(option["name"]), "title": str(option["name"])}
        for option in node.data.get("classes") or []
    ]
    settings: dict[str, JsonValue] = {
        "prompt": f"{instruction}\n\n{prompt}".strip(),
        "model": _model(node)["model"],
        "routes": routes,
    }
    rest = node.rest("classes", "query_variable_selector", "instruction", "instructions")
    node.draft.add(node.origin, "router", settings, rest)


def extractor(node: Node) -> None:
    parameters = node.data.get("parameters") or []
    kinds = {"string": "string", "number": "number", "bool": "boolean", "select": "string"}
    properties: dict[str, JsonValue] = {
        str(p["name"]): {
            "type": kinds.get(str(p.get("type")), "array"),
            "description": str(p.get("description") or ""),
        }
        for p in parameters
    }
    schema: dict[str, JsonValue] = {
        "type": "object",
        "properties": properties,
        "required": [str(p["name"]) for p in parameters if p.get("required")],
    }
    settings: dict[str, JsonValue] = {
        "systemPrompt": node.references.text(node.data.get("instruction")),
        "prompt": node.references.token(node.data.get("query") or []),
        "responseFormat": {"name": "parameters", "schema": schema},
        **_model(node),
    }
    node.draft.add(node.origin, "agent", settings, node.rest("parameters", "query", "instruction"))


def agent(node: Node) -> None:
    given = dict(parameters_of(node.data, "agent_parameters"))
    for tool in value_of(given.get("tools")) or []:
        named = tool.get("tool_name") if isinstance(tool, dict) else tool
        node.draft.warn(f'Block "{node.origin.name}" loses the tool {named}: connect one like it.')
    node.draft.warn(
        f'Block "{node.origin.name}" followed the strategy {node.data.get("agent_strategy_name")}; '
        "here it calls tools until it has an answer."
    )
    settings: dict[str, JsonValue] = {
        "systemPrompt": node.references.text(value_of(given.get("instruction"))),
        "prompt": node.references.text(value_of(given.get("query"))),
        **_model(node, value_of(given.get("model"))),
    }
    node.draft.add(node.origin, "agent", settings, node.rest())


def _model(node: Node, given: object = None) -> dict[str, JsonValue]:
    """Return model, temperature and most tokens as an agent has them."""
    model: Mapping[str, Any] = given if isinstance(given, Mapping) else node.data.get("model") or {}
    name = str(model.get("name") or model.get("model") or "")
    provider = next(
        (part for part in str(model.get("provider")).split("/") if part in _PROVIDERS), ""
    )
    parameters = model.get("completion_params") or {}
    named = f"{provider}/{name}" if provider and name and "/" not in name else name
    if name and not provider:
        node.draft.warn(
            f'Block "{node.origin.name}" asks the model {name} of {model.get("provider")}: check '
            "its name here."
        )
    return {
        "model": node.draft.model_named(named),
        "temperature": parameters.get("temperature"),
        "maxTokens": parameters.get("max_tokens"),
    }
