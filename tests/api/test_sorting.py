"""Lists come in the order that is asked for, page by page."""

from __future__ import annotations

import base64
import json
import typing
from typing import Any

import httpx
import pytest

from api.app import SLICES  # noqa: F401 - fills the table of routes
from api.endpoint import ENDPOINTS, Endpoint
from api.paging import SortQuery
from tests.api.conftest import Member


def _columns(route: Endpoint) -> tuple[str, ...]:
    """Return the names that a list may be sorted by."""
    assert route.query is not None
    hint = route.query.model_fields["sort_by"].annotation
    literals = [part for part in typing.get_args(hint) if part is not type(None)]
    return typing.get_args(literals[0])


async def _pages(client: httpx.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """Return a list read in pages of two."""
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        answer = await client.get(path, params={"limit": 2, **query, **more})
        assert answer.status_code == 200, answer.text
        rows += answer.json()["data"]
        cursor = answer.json()["nextCursor"]
        if cursor is None:
            return rows


async def _upload(member: Member, name: str, text: str) -> None:
    files = {"file": (name, text.encode(), "text/plain")}
    answer = await member.program.post("/api/files/upload", files=files)
    assert answer.status_code == 201, answer.text


async def test_list_files_sorted_by_each_column_pages_without_gaps(member: Member) -> None:
    sizes = {"b.txt": 30, "a.txt": 10, "d.txt": 20, "c.txt": 10, "e.txt": 5}
    for name, size in sizes.items():
        await _upload(member, name, name[0] * size)
    by_name = await _pages(member.program, "/api/files", sortBy="name")
    assert [row["name"] for row in by_name] == sorted(sizes)
    by_name = await _pages(member.program, "/api/files", sortBy="name", sortOrder="desc")
    assert [row["name"] for row in by_name] == sorted(sizes, reverse=True)
    by_size = await _pages(member.program, "/api/files", sortBy="size")
    assert [row["size"] for row in by_size] == [30, 20, 10, 10, 5]
    oldest = await _pages(member.program, "/api/files", sortOrder="asc")
    assert [row["name"] for row in oldest] == list(sizes)


async def test_list_keys_sorted_by_a_nullable_column_puts_nulls_last(member: Member) -> None:
    for number, expires_at in enumerate(["2031-01-01T00:00:00Z", None, "2030-01-01T00:00:00Z"]):
        body = {"name": f"key {number}", "expiresAt": expires_at}
        made = await member.browser.post("/api/auth/api-keys", json=body)
        assert made.status_code == 201, made.text
    for order, years in (("asc", ["2030", "2031"]), ("desc", ["2031", "2030"])):
        rows = await _pages(
            member.browser, "/api/auth/api-keys", sortBy="expiresAt", sortOrder=order
        )
        assert [(row["expiresAt"] or "none")[:4] for row in rows] == [*years, "none", "none"]
        assert len({row["id"] for row in rows}) == 4


async def test_list_blocks_sorted_by_name_pages_without_gaps(member: Member) -> None:
    rows = await _pages(member.program, "/api/blocks", sortBy="name", sortOrder="desc", limit=7)
    names = [row["name"] for row in rows]
    assert len(names) > 10
    assert names == sorted(names, reverse=True)


@pytest.mark.parametrize(
    "query", [{"sortBy": "blobKey"}, {"sortBy": "id; drop"}, {"sortOrder": "up"}, {"sortBy": ""}]
)
async def test_list_files_with_unknown_order_is_a_validation_error(
    member: Member, query: dict[str, str]
) -> None:
    answer = await member.program.get("/api/files", params=query)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert [issue["path"] for issue in error["details"]["issues"]] == [next(iter(query))]


async def test_list_files_with_cursor_of_another_order_is_a_validation_error(
    member: Member,
) -> None:
    for number in range(2):
        await _upload(member, f"{number}.txt", f"text {number}")
    first = await member.program.get("/api/files", params={"limit": 1, "sortBy": "name"})
    cursor = first.json()["nextCursor"]
    for query in ({}, {"sortBy": "size"}, {"sortBy": "name", "sortOrder": "desc"}):
        answer = await member.program.get("/api/files", params={**query, "cursor": cursor})
        assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("size", 1 << 70),
        ("size", "ten"),
        ("size", None),
        ("name", 7),
        ("name", "\x00"),
        ("name", "\ud800"),
        ("createdAt", "2030-01-01"),
        ("createdAt", 1e9),
    ],
)
async def test_list_files_with_made_up_cursor_is_a_validation_error(
    member: Member, column: str, value: object
) -> None:
    name = {"createdAt": "created_at"}.get(column, column)
    plain = json.dumps([value, "file_x", f"{name} desc"]).encode()
    cursor = base64.urlsafe_b64encode(plain).decode()
    query = {"sortBy": column, "sortOrder": "desc", "cursor": cursor}
    answer = await member.program.get("/api/files", params=query)
    assert answer.status_code == 400, answer.text


async def test_every_list_sorted_by_each_of_its_columns_answers(member: Member) -> None:
    definition = {"name": "Sorted", "blocks": {}, "edges": []}
    workflow = (await member.program.post("/api/workflows", json=definition)).json()["id"]
    base = (await member.program.post("/api/knowledge", json={"name": "Base"})).json()["id"]
    hook = {"url": "https://example.com/hook", "events": ["document.completed"]}
    subscription = await member.browser.post(
        f"/api/workspaces/{member.workspace_id}/subscriptions", json=hook
    )
    ids = {
        "workspaceId": member.workspace_id,
        "workspace_id": member.workspace_id,
        "workflow_id": workflow,
        "base_id": base,
        "subscription_id": subscription.json().get("id", "none"),
    }
    unreached = set()
    for route in ENDPOINTS:
        if route.query is None or not issubclass(route.query, SortQuery):
            continue
        path = route.path
        for name, value in ids.items():
            path = path.replace(f"<{name}>", value)
        if "<" in path:
            unreached.add(route.path)
            continue
        client = member.program if route.access.only == "key" else member.browser
        for column in _columns(route):
            for order in ("asc", "desc"):
                query = {"sortBy": column, "sortOrder": order}
                answer = await client.get(path, params=query)
                assert answer.status_code == 200, (path, query, answer.text)
    assert unreached == {
        "/api/knowledge/<base_id>/documents/<document_id>/chunks",
        "/api/logs/<execution_id>/blocks",
        "/api/workflows/<workflow_id>/executions/<execution_id>/webhooks",
    }
