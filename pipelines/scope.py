"""What a block of a run can refer to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from core.errors import ValidationFailed
from pipelines.references import Reference, dig
from pipelines.workflow import Definition

VARIABLE = "variable"
CONTAINERS = ("loop", "parallel")
RESERVED = frozenset({VARIABLE, *CONTAINERS})


@dataclass(frozen=True)
class RunScope:
    """Variables are the run's; ``values`` holds what came in by the block's sockets.

    ``bindings`` holds what containers give their inside: ``loop`` and ``parallel`` to fields.
    """

    variables: dict[str, JsonValue]
    secrets: Mapping[str, str] = field(default_factory=dict)
    bindings: Mapping[str, JsonValue] = field(default_factory=dict)
    values: Mapping[str, JsonValue] = field(default_factory=dict)

    @classmethod
    def of(cls, definition: Definition, secrets: Mapping[str, str]) -> RunScope:
        """Return the scope a run of ``definition`` begins with."""
        return cls(initial_variables(definition), secrets)

    def lookup(self, reference: Reference) -> JsonValue:
        """Return the referenced value; None when there is none (yet)."""
        if reference.name == VARIABLE:
            return dig(self.variables, reference.path)
        if reference.name in CONTAINERS:
            return dig(self.bindings.get(reference.name), reference.path)
        return dig(self.values.get(socket_of(reference)), reference.path[1:])

    def secret(self, name: str) -> str:
        """Return a secret of the workspace; raise ``ValidationFailed`` when it is not set."""
        if name not in self.secrets:
            raise ValidationFailed(f"The workspace has no secret {name}; set it and run again.")
        return self.secrets[name]

    def bind(self, container: str, binding: Mapping[str, JsonValue]) -> RunScope:
        """Return the scope inside a container, in one of its iterations."""
        return replace(self, bindings={**self.bindings, container: dict(binding)})

    def with_values(self, values: Mapping[str, JsonValue]) -> RunScope:
        """Return the scope of the block that received ``values``."""
        return replace(self, values=values)

    def set_variables(self, output: JsonValue) -> None:
        """Take over the variables that a finished block has set."""
        if isinstance(output, dict):
            self.variables.update(output)


def initial_variables(definition: Definition) -> dict[str, JsonValue]:
    """Return the variables of a definition with the values they begin with."""
    return {v.name: v.value for v in definition.variables.values()}


def socket_of(reference: Reference) -> str:
    """Return the name of the input socket by which a referenced output reaches a block."""
    return f"{reference.name}.{reference.path[0]}"


def by_socket(outputs: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the outputs of blocks, which are by name, by the sockets they reach others by."""
    return {
        f"{name}.{field}": value
        for name, output in outputs.items()
        if isinstance(output, dict)
        for field, value in output.items()
    }
