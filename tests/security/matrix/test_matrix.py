"""No way in leads anywhere without credentials, nor to another tenant's rows: every route, every
place that takes an id, every way in, as the description has them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from api.app import create_app
from core.config import Settings
from core.services import Services
from tests.api.conftest import TLS, Member
from tests.pipelines.shapes import block, definition
from tests.security.matrix.cases import KINDS, Case, cases, operations, places_of
from tests.security.matrix.rows import invite, one_of_each, own_rows_in
from tests.security.matrix.ways import WAYS

# Lists that take an id to filter by: of what is not there, nothing is listed.
FILTERED = {
    ("listLogs", "workflowId"),
    ("exportLogs", "workflowId"),
    ("getLogStats", "workflowId"),
    ("listAuditEvents", "actorId"),
}
# Only a person may send it: a key is refused before anybody looks whose it is.
PEOPLE_ONLY = {"fromExecutionId"}


@pytest.fixture(autouse=True)
def routed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "anonymous_requests_per_minute", -1)
    create_app(settings)


def _expected(case: Case, way: str) -> int:
    only = case.operation.get("x-nuxa-only")
    for place in case.foreign:
        if place.name in PEOPLE_ONLY and way == "key":
            return 403
    is_in_body = ("body", "workspaceId") in {(place.where, place.name) for place in case.foreign}
    if is_in_body and case.path.startswith("/api/workspaces/"):
        return 400  # not the workspace that the path names
    # A key is in no other workspace; whether it may make this call at all comes after that.
    names = {place.name for place in case.foreign}
    return 403 if only not in (None, way) and "workspaceId" not in names else 404


async def test_without_credentials_every_closed_route_is_a_401(
    anonymous: httpx.AsyncClient,
) -> None:
    count = 0
    for headers in ({}, {"x-api-key": "nuxa_made_up"}, {"Authorization": "Bearer made-up"}):
        count += await _refuse_everywhere(anonymous, headers)
    assert count > 200


async def _refuse_everywhere(client: httpx.AsyncClient, headers: dict[str, str]) -> int:
    """Assert that every closed route answers 401; return how many there are."""
    slots = asyncio.Semaphore(8)

    async def request(method: str, path: str) -> None:
        filled = path.replace("{", "").replace("}", "")
        async with slots:
            answer = await client.request(method, filled, json={}, headers=headers)
        assert (method, path, answer.status_code) == (method, path, 401)
        assert answer.json()["error"]["code"] == "UNAUTHORIZED"

    routes = [(method, path) for method, path, _ in operations()]
    await asyncio.gather(*(request(*route) for route in routes))
    return len(routes)


async def test_no_id_of_another_tenant_leads_anywhere(
    member: Member, stranger: Member, services: Services
) -> None:
    theirs, mine = await one_of_each(member, services), await one_of_each(stranger, services)
    await make_ready(stranger, mine)
    before = await _everything(member)
    for way in WAYS:
        leaks = await _leaks(stranger, way, mine, theirs)
        assert not leaks, leaks
    assert await _everything(member) == before


async def test_no_id_of_a_former_workspace_leads_anywhere(
    member: Member, stranger: Member, services: Services
) -> None:
    """Who was a member has no more than a stranger, what was the person's own there included."""
    theirs, mine = await one_of_each(member, services), await one_of_each(stranger, services)
    await make_ready(stranger, mine)
    await invite(member, stranger)
    theirs |= await own_rows_in(member, stranger)
    asked = {"name": "former", "scopes": ["admin"], "workspaceId": member.workspace_id}
    key = (await stranger.browser.post("/api/auth/api-keys", json=asked)).json()["key"]
    path = f"/api/workspaces/{member.workspace_id}/members/{stranger.user_id}"
    assert (await member.browser.delete(path)).status_code == 204
    before = await _everything(member)
    for way in ("cookie", "key"):
        leaks = await _leaks(stranger, way, mine, theirs)
        assert not leaks, leaks
    async with httpx.AsyncClient(base_url=stranger.program.base_url, verify=TLS) as former:
        await _refuse_everywhere(former, {"x-api-key": key})
    assert await _everything(member) == before


async def _leaks(person: Member, way: str, mine: dict[str, str], theirs: dict[str, str]) -> str:
    """Return the requests with somebody else's ids that were not answered as they must be."""
    counts_as, client_of = WAYS[way]
    client = await client_of(person)
    room = asyncio.Semaphore(8)  # side by side, as many as the server takes in its stride

    async def knock(case: Case) -> str:
        async with room:
            answer = await client.request(case.method, case.path, params=case.query, json=case.body)
        expected = _expected(case, counts_as)
        told = [kind for kind, value in theirs.items() if _tells(answer, kind, value)]
        asked = {(case.operation["operationId"], place.name) for place in case.foreign}
        if is_filter := bool(asked & FILTERED):
            told += _listed(answer)
        good = answer.status_code == (200 if is_filter else expected) and not told
        return "" if good else f"{way}: {case.name} {answer.status_code}, not {expected} {told}"

    found = await asyncio.gather(*(knock(case) for case in cases(mine, theirs)))
    return "\n".join(leak for leak in found if leak)


async def make_ready(person: Member, rows: dict[str, str]) -> None:
    """Let calls come as far as to the ids: a workflow that could run, a tool that could be used."""
    workflow = f"/api/workflows/{rows['workflow_id']}"
    steps = definition([block("t", template="Hi")], "s>t")
    assert (await person.program.patch(workflow, json=steps)).status_code == 200
    assert (await person.program.post(f"{workflow}/deploy")).status_code == 200
    secret = f"/api/workspaces/{person.workspace_id}/secrets/GMAIL_ACCESS_TOKEN"
    assert (await person.browser.put(secret, json={"value": "t"})).status_code == 204


def _listed(answer: httpx.Response) -> list[Any]:
    """Return what a list that was filtered by a foreign id has in it; of all kinds of lists."""
    if answer.headers["content-type"].startswith("application/x-ndjson"):
        return answer.text.splitlines()
    found = answer.json()
    return list(found["data"]) if "data" in found else [run for run in [found["runs"]] if run]


def _tells(answer: httpx.Response, kind: str, value: str) -> bool:
    """Whether an answer holds more of a row than the id that was asked with."""
    is_named = kind in ("name", "workspace_id", "user_id")
    return answer.status_code < 400 and not is_named and value in answer.text


async def _everything(member: Member) -> str:
    """Return all lists of the member's as one text: what a stranger must leave as it is."""
    lists = [
        "tools/sources",
        "knowledge",
        "files",
        "workflows",
        "copilot/chats",
        "logs",
        "workspaces",
        "artifacts",
    ]
    parts = ("members", "invitations", "secrets", "model-providers", "audit")
    lists += [f"workspaces/{member.workspace_id}/{part}" for part in parts]
    return json.dumps([(await member.browser.get(f"/api/{name}")).json()["data"] for name in lists])


def test_it_reaches_every_kind_of_row() -> None:
    reached = {place.kind for _, _, operation in operations() for place in places_of(operation)}
    assert reached == set(KINDS.values())
