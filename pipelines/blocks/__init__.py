"""The kinds of blocks: one file each, registered here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pipelines.blocks.agent import Agent
from pipelines.blocks.api import Api
from pipelines.blocks.component import BlockComponent
from pipelines.blocks.condition import Condition
from pipelines.blocks.evaluator import Evaluator
from pipelines.blocks.function import Function
from pipelines.blocks.guardrails import Guardrails
from pipelines.blocks.human_in_the_loop import HumanInTheLoop
from pipelines.blocks.knowledge import Knowledge
from pipelines.blocks.loop import Loop
from pipelines.blocks.parallel import Parallel
from pipelines.blocks.response import Response
from pipelines.blocks.router import Router
from pipelines.blocks.start import Start
from pipelines.blocks.template import Template
from pipelines.blocks.tool import ToolBlock
from pipelines.blocks.variables import Variables
from pipelines.blocks.wait import Wait
from pipelines.blocks.webhook import Webhook
from pipelines.blocks.workflow import WorkflowBlock

_KINDS: tuple[type[BlockComponent[Any]], ...] = (
    Start,
    Agent,
    Knowledge,
    Condition,
    Router,
    Api,
    ToolBlock,
    Function,
    Evaluator,
    Guardrails,
    Template,
    Variables,
    Loop,
    Parallel,
    WorkflowBlock,
    Wait,
    HumanInTheLoop,
    Webhook,
    Response,
)
KINDS: Mapping[str, type[BlockComponent[Any]]] = MappingProxyType(
    {kind.type_name: kind for kind in _KINDS}
)


def schemas() -> list[dict[str, Any]]:
    """Describe every type of block, for ``GET /api/blocks``."""
    return [kind.schema() for kind in KINDS.values()]
