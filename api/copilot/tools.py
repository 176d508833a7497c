"""What the copilot works with: its models and its tools."""

from __future__ import annotations

import time

from api.access import READ, Caller
from api.call import Call
from api.copilot.schemas import CopilotTool, ModelAnswer, ToolRun, ToolRunAnswer
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page
from api.sockets.event import SocketCall, socket_event
from copilot.agents import mode_of
from copilot.bases import bases_of
from copilot.desk import Artifact, Desk
from copilot.models import all_choices
from copilot.permission import permit
from copilot.toolbox import BoxedTool, describe_all, find_at
from core.errors import Forbidden, NotFound
from core.ids import new_id
from core.models.messages import ToolCall
from core.services import Services
from pipelines.calling import call_tool
from pipelines.passages import Passages


@endpoint("GET", "/api/copilot/models", access=READ)
async def list_copilot_models(call: Call) -> Page[ModelAnswer]:
    """List the models a question may be put to, those of the workspace's own providers last."""
    own = await call.unit.model_providers.names()
    models = await all_choices(call.services.settings, own)
    return Page(data=[ModelAnswer.model_validate(model) for model in models])


@endpoint("GET", "/api/copilot/tools", access=READ)
async def list_copilot_tools(call: Call) -> list[CopilotTool]:
    """List the copilot's tools, those of the workspace's sources last."""
    return [CopilotTool.model_validate(tool) for tool in await describe_all(call.unit)]


@endpoint("POST", "/api/copilot/tools/execute", access=READ, errors=(Forbidden,))
async def execute_copilot_tool(call: Call, body: ToolRun) -> ToolRunAnswer:
    """Run one of the copilot's tools under the caller's own rights.

    With ``chatId`` or ``mode`` only one that the mode has. Whoever calls a tool that needs
    approval in a chat has hereby given it.
    """
    return await run_tool(call.services, call.caller, body)


@socket_event("copilot:tool", access=READ, domain="copilot", is_slow=True)
async def execute_tool_by_socket(call: SocketCall, payload: ToolRun) -> dict[str, object]:
    """Run a tool as the route does; the acknowledgement is its answer."""
    ran = await run_tool(call.services, call.caller, payload)
    return ran.model_dump(by_alias=True, mode="json")


async def run_tool(services: Services, caller: Caller, body: ToolRun) -> ToolRunAnswer:
    """Run a tool for a person or program; raises ``ToolRefused`` and ``NotFound``."""
    artifacts: list[Artifact] = []
    desk = await _desk(services, caller, body, artifacts)
    tool = await find_at(desk, body.name)
    await permit(desk, tool)
    started = time.monotonic()
    asked = ToolCall(body.tool_call_id or new_id("call"), body.name, "")
    result = await call_tool(BoxedTool(tool, desk), asked, body.arguments)
    return ToolRunAnswer(
        success=result.status == "success",
        output=result.output if result.status == "success" else None,
        error=str(result.output) if result.status == "error" else None,
        artifacts=artifacts,
        duration_ms=round((time.monotonic() - started) * 1000),
    )


async def _desk(
    services: Services, caller: Caller, body: ToolRun, artifacts: list[Artifact]
) -> Desk:
    seat = caller.seat
    if seat is None:
        raise NotFound("You are in no workspace.")
    async with services.store.unit(seat.workspace.id) as unit:
        chat = None
        if body.chat_id is not None:
            chat = found(await unit.chats.get(body.chat_id, caller.user_id), "chat")
        workflow_id = body.workflow_id or (chat.workflow_id if chat else None)
        if body.workflow_id is not None:
            found(await unit.workflows.get(body.workflow_id), "workflow")
        base_ids = [base.id for base in await bases_of(unit, [])]
        name = body.mode or (chat.mode if chat else None)
        agent_id, rights = (chat.agent_id if chat else None), caller.rights
        mode = (await mode_of(unit, name, workflow_id, agent_id, rights))[0] if name else None

    async def show(artifact: Artifact) -> None:
        artifacts.append(artifact)

    return Desk(
        services,
        seat.workspace.id,
        caller.user_id,
        caller.rights,
        mode,
        base_ids,
        workflow_id,
        Passages(),
        show,
        chat_id=chat.id if chat else None,
    )
