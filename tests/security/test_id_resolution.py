"""An id that the caller may see is found in whichever workspace it is; any other is not found."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from core.services import Services
from tests.api.conftest import TLS, Member, SignUp
from tests.api.workflows.editing.conftest import Open
from tests.pipelines.shapes import block, definition
from tests.security.matrix.cases import KINDS, Case, cases
from tests.security.matrix.rows import invite, one_of_each, own_rows_in
from tests.security.matrix.test_matrix import make_ready

# Kinds of ids that are found without a workspace: of a person, or of the workspace itself.
_OF_NO_WORKSPACE = {"user_id", "workspace_id", "session_id", "grant_id", "passkey_id"}
# A part of a row that the path names, too.
_PARTS = {"document_id", "chunk_id", "delivery_id", "context_id"}


async def _status(client: httpx.AsyncClient, case: Case, **query: str) -> int:
    """Return the status of an answer; what it streams may go on for ever."""
    params = {**case.query, **query}
    asked = client.stream(case.method, case.path, params=params, json=case.body)
    async with asked as answer:
        return answer.status_code


def _is_located(case: Case) -> bool:
    """Whether every id that a request names is one of a workspace."""
    kinds = {str(place.kind) for place in case.foreign}
    return not kinds & _OF_NO_WORKSPACE and not kinds <= _PARTS


async def test_ids_of_second_workspace_are_found_by_every_route_without_naming_it(
    member: Member, stranger: Member, services: Services
) -> None:
    """Each request finds what it would find with the workspace's name."""
    theirs = await one_of_each(member, services)
    await make_ready(member, theirs)
    await invite(member, stranger)
    # What is the guest's own, though in the member's workspace.
    theirs |= await own_rows_in(member, stranger)
    # All ids of a request are of the one workspace; what deletes comes last, parts first.
    found = [case for case in cases(theirs, theirs) if _is_located(case) and not _is_for_keys(case)]
    found.sort(key=lambda case: (case.method == "DELETE", -case.path.count("/")))
    client, lost, reached = _bare(stranger), [], 0
    for case in found:
        if await _status(client, case) == 404:
            named = await _status(client, case, workspaceId=member.workspace_id)
            if named != 404:
                lost.append(f"{case.name}: 404, and {named} with the workspace named")
        else:
            reached += 1
    assert not lost, "\n".join(lost)
    assert reached > 60


def _bare(person: Member) -> httpx.AsyncClient:
    """Return a browser that holds no answer to the description, which would read it whole."""
    return httpx.AsyncClient(
        base_url=person.browser.base_url, cookies=person.browser.cookies, timeout=30, verify=TLS
    )


def _is_for_keys(case: Case) -> bool:
    return case.path.startswith("/api/v1/") or case.path == "/api/mcp"


def test_kinds_of_ids_that_are_not_located_are_known() -> None:
    assert set(KINDS.values()) >= _OF_NO_WORKSPACE | _PARTS


async def test_id_of_other_tenant_without_workspace_named_is_not_found(
    member: Member, stranger: Member, services: Services
) -> None:
    theirs = await one_of_each(member, services)
    workflow = f"/api/workflows/{theirs['workflow_id']}"
    for path in (workflow, f"/api/knowledge/{theirs['base_id']}", f"/api/logs/{_run(theirs)}"):
        assert (await stranger.browser.get(path)).status_code == 404
    await invite(member, stranger, "read")
    assert (await stranger.browser.get(workflow)).status_code == 200
    refused = await stranger.browser.patch(workflow, json={"name": "mine"})
    assert refused.status_code == 403
    members = f"/api/workspaces/{member.workspace_id}/members/{stranger.user_id}"
    assert (await member.browser.delete(members)).status_code == 204
    assert (await stranger.browser.get(workflow)).status_code == 404


def _run(rows: dict[str, str]) -> str:
    return rows["execution_id"]


async def test_id_of_second_workspace_by_a_key_of_the_first_is_not_found(
    member: Member, stranger: Member, services: Services
) -> None:
    theirs = await one_of_each(member, services)
    await invite(member, stranger)
    path = f"/api/workflows/{theirs['workflow_id']}"
    assert (await stranger.browser.get(path)).status_code == 200
    assert (await stranger.program.get(path)).status_code == 404
    assert await stranger.program.get("/api/logs", params={"workflowId": theirs["workflow_id"]})


async def test_workspace_that_is_named_is_kept_to(
    member: Member, stranger: Member, services: Services
) -> None:
    theirs = await one_of_each(member, services)
    await invite(member, stranger)
    named = {"workspaceId": stranger.workspace_id}
    path = f"/api/workflows/{theirs['workflow_id']}"
    assert (await stranger.browser.get(path, params=named)).status_code == 404


async def test_equal_run_ids_of_two_workspaces_lead_to_the_default_one(
    member: Member, stranger: Member, services: Services
) -> None:
    await invite(member, stranger)
    paths, steps = {}, definition([block("t")], "s>t")
    for owner in (member, stranger):
        made = await owner.browser.post("/api/workflows", json={"name": "w", **steps})
        paths[owner.user_id] = path = f"/api/workflows/{made.json()['id']}"
        headers = {"X-Run-Id": "same"}
        ran = await owner.browser.post(f"{path}/execute", json={}, headers=headers)
        assert ran.status_code == 200, ran.text
    mine = (await stranger.browser.get("/api/logs/same")).json()
    assert f"/api/workflows/{mine['workflowId']}" == paths[stranger.user_id]
    through = await stranger.browser.get(f"{paths[member.user_id]}/executions/same")
    assert through.json()["workflowId"] in paths[member.user_id]


async def test_socket_joins_workflow_of_second_workspace_without_naming_it(
    member: Member, stranger: Member, open_socket: Open, workflow_id: str
) -> None:
    editor = await open_socket(stranger)
    assert await editor.refused("workflow:join") == "NOT_FOUND"
    await invite(member, stranger, "write")
    joined = await editor.done("workflow:join")
    assert joined["workflow"]["id"] == workflow_id
    await editor.done("workflow:update", changes={"name": "Edited"})
    assert await editor.refused("workflow:join", workspaceId=stranger.workspace_id) == "NOT_FOUND"


async def test_socket_token_made_for_a_workspace_opens_sockets_in_it(
    member: Member, stranger: Member, open_socket: Open
) -> None:
    await invite(member, stranger)
    query: dict[str, Any] = {"workspaceId": member.workspace_id}
    made = await stranger.browser.post("/api/auth/socket-token", params=query)
    editor = await open_socket(stranger, token=made.json()["token"])
    tool = {"name": "find_workflows", "arguments": {}}
    found = await editor.client.call("copilot:tool", tool, timeout=15)
    assert found["ok"], found
    assert "Shared" in str(found)


@pytest.mark.parametrize("is_named", [False, True])
async def test_chat_about_workflow_of_second_workspace_is_begun_there(
    member: Member, sign_up: SignUp, workflow_id: str, is_named: bool
) -> None:
    guest = await sign_up()
    await invite(member, guest)
    body = {"message": "What does it do?", "mode": "workflow-guide", "workflowId": workflow_id}
    body |= {"workspaceId": member.workspace_id} if is_named else {}
    asked = await guest.browser.post("/api/copilot/chat", json=body)
    assert asked.status_code == 200, asked.text
    query = {"workspaceId": member.workspace_id}
    chats = (await guest.browser.get("/api/copilot/chats", params=query)).json()["data"]
    assert [chat["id"] for chat in chats] == [asked.json()["chatId"]]
