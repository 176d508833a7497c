"""One operation of an OpenAPI document: the schema of its arguments, and where each one goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Written by us, or by whoever registered the source; no operation's to set.
_NOT_HEADERS: Final = frozenset({"accept", "content-type", "authorization", "cookie"})
_STYLES: Final = {"path": "simple", "query": "form", "header": "simple"}
_MOST_PARTS: Final = 2_000  # schemas that one operation refers to
_FORM: Final = "application/x-www-form-urlencoded"


class NoTool(Exception):
    """An operation asks for what is not sent from here; says what."""


@dataclass
class Shape:
    """``parameters`` is a JSON Schema; ``call`` says where each argument goes: ``arguments`` by
    name, with ``in``, ``name``, ``style``, ``explode`` and ``json``; ``body`` a media type."""

    parameters: dict[str, Any]
    call: dict[str, Any]


def read_operation(
    document: Mapping[str, Any], item: Mapping[str, Any], operation: Mapping[str, Any]
) -> Shape:
    """Return an operation's shape; raises ``NoTool``."""
    reader = _Reader(document)
    reader.add_parameters([*_listed(item), *_listed(operation)])
    reader.add_body(operation.get("requestBody"))
    schema: dict[str, Any] = {
        "type": "object",
        "properties": reader.properties,
        "required": reader.required,
        "additionalProperties": False,
    }
    if reader.parts:
        schema["$defs"] = reader.parts
    return Shape(schema, {"arguments": reader.arguments, "body": reader.body})


def _listed(holder: Mapping[str, Any]) -> Iterator[Any]:
    found = holder.get("parameters")
    yield from found if isinstance(found, list) else ()


@dataclass
class _Reader:
    document: Mapping[str, Any]
    properties: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    arguments: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Any] = field(default_factory=dict)
    body: str | None = None

    def add_parameters(self, listed: list[Any]) -> None:
        """Add those of the path, then the operation's own, which replace them."""
        found = {}
        for each in map(self._resolved, listed):
            if isinstance(each, dict):
                found[(str(each.get("in")), str(each.get("name")))] = each
        for (place, name), parameter in found.items():
            is_required = bool(parameter.get("required")) or place == "path"
            if place not in _STYLES or (place == "header" and name.lower() in _NOT_HEADERS):
                if is_required and place == "cookie":
                    raise NoTool(f"it needs the cookie {name}")
                continue
            self._add(place, name, parameter, is_required)

    def _add(self, place: str, name: str, parameter: dict[str, Any], is_required: bool) -> None:
        argument = name if name not in self.properties else f"{name}_{place}"
        content = parameter.get("content")
        media = next(iter(content.values()), {}) if isinstance(content, dict) else parameter
        schema = self._schema(media.get("schema", {}))
        if isinstance(schema, dict) and parameter.get("description"):
            schema = {"description": str(parameter["description"]), **schema}
        self.properties[argument] = schema
        style = str(parameter.get("style") or _STYLES[place])
        explode = parameter.get("explode", style == "form")
        where = {"in": place, "name": name, "style": style, "explode": bool(explode)}
        self.arguments[argument] = {**where, "json": isinstance(content, dict)}
        if is_required:
            self.required.append(argument)

    def add_body(self, request: Any) -> None:
        body = self._resolved(request)
        if not isinstance(body, dict):
            return
        given = body.get("content")
        content: dict[str, Any] = given if isinstance(given, dict) else {}
        types = list(content)
        media = next((t for t in types if "json" in t), None)
        media = media or next((t for t in types if t == _FORM or t.startswith("text/")), None)
        if media is None:
            if body.get("required"):
                raise NoTool(f"its body is {', '.join(types) or 'of no type'}")
            return
        name = "body" if "body" not in self.properties else "request_body"
        self.body = media
        self.properties[name] = self._schema((content[media] or {}).get("schema", {}))
        self.arguments[name] = {"in": "body"}
        if body.get("required"):
            self.required.append(name)

    def _resolved(self, value: Any) -> Any:
        """Follow references within the document, as far as is sensible."""
        for _ in range(10):
            if not isinstance(value, dict) or "$ref" not in value:
                return value
            value = self._at(str(value["$ref"]))
        return None

    def _at(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            raise NoTool(f"it refers to {reference[:100]}, outside the document")
        found: Any = self.document
        for step in reference[2:].split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            found = found.get(step) if isinstance(found, dict) else None
        if found is None:
            raise NoTool(f"{reference[:100]} is not in the document")
        return found

    def _schema(self, value: Any) -> Any:
        """Return a schema whose references lead to ``parts``, taken over from the document."""
        if isinstance(value, list):
            return [self._schema(item) for item in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if not isinstance(reference, str):
            return {key: self._schema(item) for key, item in value.items()}
        name = reference.rpartition("#/")[2].replace("/", ".").replace("~1", "_")
        if name not in self.parts:
            if len(self.parts) == _MOST_PARTS:
                raise NoTool("its schemas refer to too many others")
            self.parts[name] = {}  # it may refer to itself
            self.parts[name] = self._schema(self._at(reference))
        return {"$ref": f"#/$defs/{name}"}
