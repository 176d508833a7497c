"""Tools of the MCP server reach the workspace of the key alone: each of the table of tools."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.mcp.tools import TOOLS
from core.services import Services
from tests.api.conftest import TLS, Member
from tests.security.matrix.rows import invite, one_of_each, own_rows_in

ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "list_knowledge_bases": [{}],
    "list_workflows": [{}],
    "search": [{}, {"knowledgeBaseIds": ["base_id"]}],
    "ask": [{}, {"knowledgeBaseIds": ["base_id"]}, {"chatId": "chat_id"}],
    "run_workflow": [{"workflowId": "workflow_id"}],
}
_BESIDE: dict[str, dict[str, Any]] = {
    "search": {"query": "slipway"},
    "ask": {"question": "slipway"},
}
_CASES = [(name, arguments) for name, each in ARGUMENTS.items() for arguments in each]


def _filled(name: str, arguments: dict[str, Any], rows: dict[str, str]) -> dict[str, Any]:
    """Put a tenant's ids in the place of their kinds."""
    filled = {
        field: [rows[kind] for kind in value] if isinstance(value, list) else rows[value]
        for field, value in arguments.items()
    }
    return {**_BESIDE.get(name, {}), **filled}


async def _call(person: Member, key: str, name: str, arguments: dict[str, Any]) -> httpx.Response:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    params = {"name": name, "arguments": arguments}
    async with httpx.AsyncClient(
        base_url=person.program.base_url, headers={"x-api-key": key}, timeout=30, verify=TLS
    ) as client:
        return await client.post("/api/mcp", json={**message, "params": params})


async def _key(person: Member, workspace_id: str) -> str:
    asked = {"name": "mcp", "scopes": ["admin"], "workspaceId": workspace_id}
    return str((await person.browser.post("/api/auth/api-keys", json=asked)).json()["key"])


def test_arguments_of_this_matrix_cover_the_table_of_tools() -> None:
    assert set(ARGUMENTS) == set(TOOLS)


@pytest.mark.parametrize(("name", "arguments"), _CASES)
async def test_mcp_tool_of_other_tenant_finds_nothing(
    name: str, arguments: dict[str, Any], member: Member, stranger: Member, services: Services
) -> None:
    theirs = await one_of_each(member, services)
    key = await _key(stranger, stranger.workspace_id)
    answer = await _call(stranger, key, name, _filled(name, arguments, theirs))
    assert answer.status_code == 200
    result = answer.json()["result"]
    if arguments:
        assert result["isError"]
        assert "NOT_FOUND" in result["content"][0]["text"]
    sent = str(_filled(name, arguments, theirs))
    told = [
        value for kind, value in theirs.items() if kind.endswith("_id") and value in answer.text
    ]
    assert [value for value in told if value not in sent] == []
    assert "closed on Mondays" not in answer.text


@pytest.mark.parametrize(("name", "arguments"), _CASES)
async def test_mcp_tool_of_removed_member_is_refused(
    name: str, arguments: dict[str, Any], member: Member, stranger: Member, services: Services
) -> None:
    theirs = await one_of_each(member, services)
    await invite(member, stranger)
    theirs |= await own_rows_in(member, stranger)
    key = await _key(stranger, member.workspace_id)
    filled = _filled(name, arguments, theirs)
    assert (await _call(stranger, key, "list_workflows", {})).status_code == 200
    path = f"/api/workspaces/{member.workspace_id}/members/{stranger.user_id}"
    assert (await member.browser.delete(path)).status_code == 204
    assert (await _call(stranger, key, name, filled)).status_code == 401
