"""JSON Schemas of everything the routes take and give, under one name each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, Literal, cast

from pydantic import TypeAdapter

Schema = dict[str, Any]
Mode = Literal["validation", "serialization"]
TAKEN: Final[Mode] = "validation"
GIVEN: Final[Mode] = "serialization"

_PREFIX: Final = "#/components/schemas/"


class Schemas:
    """The schemas of a set of types; ``components`` are those with a name."""

    def __init__(self, wanted: Iterable[tuple[object, Mode]]) -> None:
        pairs = {(_key(hint), mode): hint for hint, mode in wanted}
        inputs: list[tuple[str, Mode, TypeAdapter[Any]]] = [
            (key, mode, TypeAdapter(cast(Any, hint))) for (key, mode), hint in pairs.items()
        ]
        found, rest = TypeAdapter.json_schemas(inputs, ref_template=_PREFIX + "{model}")
        definitions = rest.get("$defs", {})
        self._names = {name: _short(name) for name in definitions}
        self._schemas = {pair: self._renamed(schema) for pair, schema in found.items()}
        self.components: Schema = {
            self._names[name]: self._renamed(schema) for name, schema in definitions.items()
        }

    def of(self, hint: object, mode: Mode) -> Schema:
        """Return the schema of a type, by reference where it has a name."""
        return self._schemas[(_key(hint), mode)]

    def resolved(self, hint: object, mode: Mode) -> Schema:
        """Return the schema of a model itself."""
        schema = self.of(hint, mode)
        name = schema.get("$ref", "").removeprefix(_PREFIX)
        return self.components[name] if name else schema

    def _renamed(self, schema: Schema) -> Schema:
        text = json.dumps(schema)
        for long, short in self._names.items():
            if long != short:
                text = text.replace(f'"{_PREFIX}{long}"', f'"{_PREFIX}{short}"')
        renamed: Schema = json.loads(text)
        return renamed


def _key(hint: object) -> str:
    """Return one key for equal types; two models of one name differ by their module."""
    return f"{getattr(hint, '__module__', '')}.{hint!r}"


def _short(name: str) -> str:
    """Return ``FileAnswerPage`` for ``Page_FileAnswer_``, and where two models have one name
    ``AuthUserAnswer`` for ``api__auth__schemas__UserAnswer``."""
    if name.startswith("Page_"):
        return f"{_short(name.removeprefix('Page_').removesuffix('_'))}Page"
    parts = name.split("__")
    return name if len(parts) < 3 else parts[1].capitalize() + parts[-1]
