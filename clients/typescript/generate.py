"""Writes ``src/schema.ts``: the types of everything the API takes and gives, from its description.

python clients/typescript/generate.py [openapi.json]; without a file the code's own description.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

TARGET: Final = Path(__file__).parent / "src" / "schema.ts"
_PLAIN: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def typescript(document: dict[str, Any]) -> str:
    """Return the named schemas of a description as TypeScript types."""
    lines = ["// Made by generate.py from the API's description; do not edit.", ""]
    for name, schema in document["components"]["schemas"].items():
        lines += [f"export type {name} = {_type(schema)};", ""]
    return "\n".join(lines)


def _type(schema: dict[str, Any], indent: str = "") -> str:
    if "$ref" in schema:
        return str(schema["$ref"].split("/")[-1])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for key in ("anyOf", "oneOf"):
        if key in schema and "properties" not in schema:
            return " | ".join(dict.fromkeys(_type(option, indent) for option in schema[key]))
    kind = schema.get("type")
    if kind == "array":
        return f"Array<{_type(schema.get('items', {}), indent)}>"
    if kind == "object":
        return _object(schema, indent)
    return _PLAIN.get(str(kind), "unknown")


def _object(schema: dict[str, Any], indent: str) -> str:
    fields, required = schema.get("properties", {}), schema.get("required", [])
    if not fields:
        values = schema.get("additionalProperties", True)
        return f"Record<string, {_type(values, indent) if isinstance(values, dict) else 'unknown'}>"
    inner = indent + "  "
    lines = [
        f"{inner}{json.dumps(name) if not name.isidentifier() else name}"
        f"{'' if name in required else '?'}: {_type(field, inner)};"
        for name, field in fields.items()
    ]
    return "{\n" + "\n".join(lines) + f"\n{indent}}}"


def described() -> dict[str, Any]:
    """Return the description of the API in this checkout."""
    from api.app import create_app
    from api.openapi.document import document_bytes

    create_app()
    document: dict[str, Any] = json.loads(document_bytes())
    return document


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text()) if len(sys.argv) > 1 else described()
    TARGET.write_text(typescript(given), encoding="utf-8")
