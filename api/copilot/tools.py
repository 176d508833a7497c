"""What the copilot works with: its models and its tools."""

from __future__ import annotations

import time

from api.access import READ
from api.call import Call
from api.copilot.schemas import CopilotTool, ModelAnswer, ToolRun, ToolRunAnswer
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page
from copilot.bases import bases_of
from copilot.models import all_choices
from copilot.toolbox import Desk, describe_all, tools_for
from core.ids import new_id
from core.models.messages import ToolCall
from pipelines.agent import call_tool
from pipelines.passages import Passages


@endpoint("GET", "/api/copilot/models", access=READ)
async def list_copilot_models(call: Call) -> Page[ModelAnswer]:
    """List the models a question may be put to, those of the workspace's own providers last."""
    own = await call.unit.model_providers.names()
    models = await all_choices(call.services.settings, own)
    return Page(data=[ModelAnswer.model_validate(model) for model in models])


@endpoint("GET", "/api/copilot/tools", access=READ)
async def list_copilot_tools() -> list[CopilotTool]:
    """List the copilot's tools."""
    return [CopilotTool.model_validate(tool) for tool in describe_all()]


@endpoint("POST", "/api/copilot/tools/execute", access=READ)
async def execute_copilot_tool(call: Call, body: ToolRun) -> ToolRunAnswer:
    """Run one of the copilot's tools under the caller's own rights."""
    store = call.services.store
    async with store.unit(call.workspace_id) as unit:
        if body.chat_id is not None:
            found(await unit.chats.get(body.chat_id, call.user_id), "chat")
        base_ids = [base.id for base in await bases_of(unit, [])]
    desk = Desk(store, call.workspace_id, base_ids, None, Passages())
    (tool,) = tools_for([body.name], desk)
    started = time.monotonic()
    asked = ToolCall(body.tool_call_id or new_id("call"), body.name, "")
    result = await call_tool(tool, asked, body.arguments)
    return ToolRunAnswer(
        success=result.status == "success",
        output=result.output if result.status == "success" else None,
        error=str(result.output) if result.status == "error" else None,
        duration_ms=round((time.monotonic() - started) * 1000),
    )
