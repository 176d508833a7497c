"""What the blocks of one run have brought forth so far, as references see it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
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
    outputs: MutableMapping[str, JsonValue] = field(default_factory=dict)
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

    def inner(self) -> RunScope:
        """Return a scope for the inside of a container: it sees this one, and has its own blocks
        and bindings. Variables are the run's."""
        return RunScope(
            self.variables, self.secrets, ChainMap({}, self.outputs), dict(self.bindings)
        )

    def forget(self, key: str) -> None:
        """Have references to a block that is skipped find nothing, also of an iteration before."""
        self.outputs.pop(key, None)

    def add(self, key: str, block_type: str, output: JsonValue, *, sets_variables: bool) -> None:
        """Make a finished block's output visible to those that follow."""
        self.outputs[key] = output
        if block_type == START:
            self.outputs[START] = output
        if sets_variables and isinstance(output, dict):
            self.variables.update(output)
