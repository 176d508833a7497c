"""Definitions made ready to run; those of deployed versions, which never change, are remembered."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from core.json_values import measure_json
from pipelines.blocks import KINDS
from pipelines.graph import Graph
from pipelines.references import Secret, find
from pipelines.validity import require_valid
from pipelines.workflow import Definition, parse

_KEPT: Final = 64
_LARGEST_KEPT: Final = 100_000  # characters of JSON; in memory it is a multiple of that
_LIGHT_BLOCKS: Final = 20
LIGHT_BYTES: Final = 64_000  # of JSON


@dataclass(frozen=True)
class Prepared:
    """A definition as it is stored (``raw``) and as it is read. To be changed by none of the runs
    that share it."""

    raw: dict[str, Any]
    definition: Definition

    @cached_property
    def graph(self) -> Graph:
        """The outermost level."""
        return Graph(self.definition)

    @cached_property
    def secrets(self) -> frozenset[str]:
        """Names of the workspace's secrets that stand in it."""
        return frozenset(
            token.name
            for block in self.definition.blocks.values()
            for value in self.definition.values(block).values()
            for token in find(value)
            if isinstance(token, Secret)
        )

    @cached_property
    def is_light(self) -> bool:
        """Whether its runs take a process little time: a few small blocks, none of them heavy."""
        blocks = self.definition.blocks.values()
        return (
            len(blocks) <= _LIGHT_BLOCKS
            and not any(KINDS[block.type].is_heavy for block in blocks)
            and measure_json(self.raw, LIGHT_BYTES) <= LIGHT_BYTES
        )

    @cached_property
    def runnable(self) -> Definition:
        """The definition, found complete; raises ``ValidationFailed`` naming a block where not."""
        require_valid(self.definition, runnable=True)
        return self.definition


_versions: Final[OrderedDict[tuple[str, int], Prepared]] = OrderedDict()


def known(workflow_id: str, version: int | None) -> Prepared | None:
    """Return a deployed version that was prepared a while ago; whoever asks has found the workflow
    in his workspace."""
    if version is None or (workflow_id, version) not in _versions:
        return None
    _versions.move_to_end((workflow_id, version))
    return _versions[workflow_id, version]


def latest(workflow_id: str) -> tuple[int, Prepared] | None:
    """Return number and content of the last version that was prepared a while ago; whether it is
    still the deployed one, and in whose workspace, the database has to say."""
    number = max((number for of, number in _versions if of == workflow_id), default=None)
    found = known(workflow_id, number)
    return (number, found) if number is not None and found is not None else None


def prepare(workflow_id: str, version: int | None, raw: dict[str, Any]) -> Prepared:
    """Read a definition, that of a draft where ``version`` is None; raises ``ValidationFailed``."""
    found = known(workflow_id, version)
    if found is not None:
        return found
    made = Prepared(raw, parse(raw))
    if version is not None and len(json.dumps(raw)) <= _LARGEST_KEPT:
        _versions[workflow_id, version] = made
        if len(_versions) > _KEPT:
            _versions.popitem(last=False)
    return made
