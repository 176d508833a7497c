"""The registry: every tool is described well enough for a model to call it."""

from __future__ import annotations

import re

import jsonschema
import pytest

from core.errors import NotFound
from core.services import Services
from pipelines import tools
from tests.conftest import Owner
from tests.pipelines.tools.conftest import Save


@pytest.mark.parametrize("name", tools.TOOLS)
def test_tool_is_described(name: str) -> None:
    tool = tools.TOOLS[name]
    assert re.fullmatch(r"[a-z][a-z_]{0,63}", tool.name)
    assert tool.description.endswith(".")
    schema = tool.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert tool.requires_approval or tool.read_only
    assert (tool.spec.name, tool.spec.parameters) == (name, schema)


async def test_unknown_tool_names_those_there_are(services: Services, owner: Owner) -> None:
    with pytest.raises(NotFound, match="slack_message"):
        await tools.call(services, owner.workspace_id, "rm", {})


async def test_configured_tools_follow_the_secrets(
    services: Services, owner: Owner, save: Save
) -> None:
    assert await tools.configured(services, owner.workspace_id) == {"http_request"}
    await save("GMAIL_REFRESH_TOKEN", "r")
    assert "gmail_send" not in await tools.configured(services, owner.workspace_id)
    await save("GMAIL_CLIENT_ID", "i")
    await save("GMAIL_CLIENT_SECRET", "s")
    assert "gmail_send" in await tools.configured(services, owner.workspace_id)


async def test_bound_tool_is_callable_by_the_loop(services: Services, owner: Owner) -> None:
    bound = tools.BoundTool(services, owner.workspace_id, tools.find("http_request"))
    assert bound.spec.name == "http_request"
    with pytest.raises(NotFound):
        await tools.BoundTool(services, owner.workspace_id, tools.find("nothing"))({})
