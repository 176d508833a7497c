"""What the blocks of one run have brought forth so far, as references see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from core.errors import ValidationFailed
from pipelines.graph import START
from pipelines.references import Reference, dig
from pipelines.workflow import Definition


@dataclass
class RunScope:
    """``outputs`` is keyed by normalised block name; a block that was skipped has none.

    ``bindings`` holds what a container gives its inside: ``loop`` and ``parallel`` to fields.
    """

    variables: dict[str, JsonValue]
    secrets: Mapping[str, str] = field(default_factory=dict)
    outputs: dict[str, JsonValue] = field(default_factory=dict)
    bindings: dict[str, JsonValue] = field(default_factory=dict)

    @classmethod
    def of(cls, definition: Definition, secrets: Mapping[str, str]) -> RunScope:
        """Return the scope a run of ``definition`` begins with."""
        variables = {v.name: v.value for v in definition.variables.values()}
        return cls(variables=variables, secrets=secrets)

    def lookup(self, reference: Reference) -> JsonValue:
        """Return the referenced value; None when there is none (yet)."""
        if reference.name == "variable":
            return dig(self.variables, reference.path)
        if reference.name in ("loop", "parallel"):
            return dig(self.bindings.get(reference.name), reference.path)
        return dig(self.outputs.get(reference.name), reference.path)

    def secret(self, name: str) -> str:
        """Return a secret of the workspace; raise ``ValidationFailed`` when it is not set."""
        if name not in self.secrets:
            raise ValidationFailed(f"The workspace has no secret {name}; set it and run again.")
        return self.secrets[name]

    def add(self, key: str, block_type: str, output: JsonValue, *, sets_variables: bool) -> None:
        """Make a finished block's output visible to those that follow."""
        self.outputs[key] = output
        if block_type == START:
            self.outputs[START] = output
        if sets_variables and isinstance(output, dict):
            self.variables.update(output)
