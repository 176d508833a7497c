"""Tools of MCP servers and OpenAPI documents, lent to the copilot as calls to other services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, JsonValue

from copilot.desk import Desk
from copilot.tools.base import CopilotTool
from core.rights import Role
from pipelines import tools
from pipelines.tools.base import Params
from pipelines.tools.remote.schema import require_fit
from pipelines.tools.remote.sources import RemoteTool


class Given(Params):
    """Arguments as the schema of a tool of another's lets them through."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True, kw_only=True)
class LentTool(CopilotTool[Given]):
    """A tool whose description and schema its source wrote."""

    remote: RemoteTool

    @property
    def description(self) -> str:
        return self.remote.tool.description

    def schema(self) -> dict[str, Any]:
        return self.remote.tool.parameters

    def fit(self, params: Mapping[str, JsonValue]) -> Given:
        require_fit(self.name, self.remote.tool.parameters, params)
        return Given.model_validate(dict(params))


def lent(remote: RemoteTool) -> LentTool:
    """Return a tool of another's as one of the copilot: it waits for its user's word, unless it
    changes nothing and an admin trusts its source to say so."""

    async def run(desk: Desk, params: Given) -> JsonValue:
        given = dict(params.model_extra or {})
        return await tools.call(desk.services, desk.workspace_id, remote.name, given)

    return LentTool(
        name=remote.name,
        run=run,
        domain="tools",
        role=Role.WRITE,
        read_only=remote.read_only,
        requires_approval=not remote.read_only,
        quoting=False,
        remote=remote,
    )
