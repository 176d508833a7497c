"""The description tells of every route, and holds as OpenAPI."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import validate

from api.app import create_app
from api.endpoint import ENDPOINTS, Media
from api.openapi.operation import path_of
from core.config import Settings
from tests.api.conforms import breaches, document

# Rows of the reference that are not routed yet; each leaves this list with the change that adds it.
MISSING: frozenset[tuple[str, str]] = frozenset()
_ROW = re.compile(r"^(GET|POST|PATCH|PUT|DELETE)(/api(?:/(?:\[\w+\]|[a-z0-9-]+))+)", re.M)


@pytest.fixture(autouse=True)
def routed(settings: Settings) -> None:
    create_app(settings)


def test_it_is_valid_openapi() -> None:
    validate(document())


def test_every_route_is_in_it_with_all_that_a_reader_needs() -> None:
    paths = document()["paths"]
    for route in ENDPOINTS:
        operation = paths[path_of(route)][route.method.lower()]
        assert operation["summary"].endswith("."), route.name
        assert operation["tags"], route.name
        assert route.answers, f"{route.name}: say with answers= what is in its Reply"
        assert (operation["security"] == []) == route.access.is_public, route.name
        assert operation.get("x-nuxa-only") == route.access.only, route.name
        given = {code for code in operation["responses"] if code[0] in "23"}
        assert given, route.name
    assert sum(len(operations) for operations in paths.values()) == len(ENDPOINTS)


def test_every_json_answer_says_what_is_in_it() -> None:
    for route in ENDPOINTS:
        for answer in route.answers.values():
            for part in answer if isinstance(answer, tuple) else (answer,):
                is_plain = "dict" in str(part) and not isinstance(part, Media)
                is_itself = route.path == "/api/openapi.json"
                assert is_itself or not is_plain, f"{route.name} answers {part}"


def test_operations_have_names_of_their_own() -> None:
    named = [
        operation["operationId"]
        for operations in document()["paths"].values()
        for operation in operations.values()
    ]
    assert len(set(named)) == len(named)


def test_no_two_paths_differ_only_by_the_names_of_their_variables() -> None:
    paths = [re.sub(r"{[^}]+}", "{}", path) for path in document()["paths"]]
    assert len(set(paths)) == len(paths)


def test_a_repeatable_call_takes_a_key_and_a_form_is_offered_where_it_is_read() -> None:
    paths = document()["paths"]
    named = {
        path
        for path, operations in paths.items()
        for method, operation in operations.items()
        if "Idempotency-Key" in {parameter["name"] for parameter in operation["parameters"]}
        and method == "post"
    }
    assert {"/api/workflows", "/api/copilot/chat", "/api/artifacts"} <= named
    assert not {"/api/auth/login", "/api/files/upload"} & named
    assert "409" in paths["/api/artifacts"]["post"]["responses"]
    content = paths["/api/auth/token"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "application/x-www-form-urlencoded"}


def test_a_closed_route_gives_401_403_and_429_and_a_limited_one_says_when() -> None:
    operation = document()["paths"]["/api/files/{fileId}"]["get"]
    names = {"400", "401", "403", "404", "429", "500", "503"}
    assert names <= operation["responses"].keys()
    limited = document()["components"]["responses"]["RateLimited"]
    assert {"Retry-After", "X-RateLimit-Reset", "X-Request-Id"} <= limited["headers"].keys()


def test_a_schema_that_does_not_hold_is_found() -> None:
    schema = {"$ref": "#/components/schemas/Alive"}
    assert breaches(schema, {"status": "ok"}) == []
    assert breaches(schema, {"status": "ok", "more": 1})
    assert breaches(schema, {})


async def test_it_is_served_to_anybody(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/api/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == document()


def _reference(shared_data: Path) -> set[tuple[str, str]]:
    text = (shared_data.parent / "reference" / "api-reference.txt").read_text(encoding="utf-8")
    return {(found[1], found[2]) for found in _ROW.finditer(text)}


@pytest.mark.shared_data
def test_every_row_of_the_reference_is_routed(shared_data: Path) -> None:
    rows = _reference(shared_data)
    assert len(rows) == 65
    paths = {(route.method, re.sub(r"<[^>]+>", "[]", route.path)) for route in ENDPOINTS}
    missing = {row for row in rows if (row[0], re.sub(r"\[[^\]]+\]", "[]", row[1])) not in paths}
    assert missing == MISSING
