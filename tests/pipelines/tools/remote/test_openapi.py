"""OpenAPI documents: what becomes a tool, and what its arguments become on the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import ValidationFailed
from core.http import Outgoing
from pipelines.tools.remote.document import DocumentUnreadable, listing, parsed
from pipelines.tools.remote.listed import ListedTool
from pipelines.tools.remote.openapi_call import outgoing
from pipelines.tools.remote.schema import require_fit
from tests.stand_ins.shop import DOCUMENT

FROM = "https://shop.test/openapi.json"


def _tool(name: str, document: dict[str, Any] = DOCUMENT) -> ListedTool:
    found = listing("shop", document, FROM)
    return next(tool for tool in found.tools if tool.name == f"shop__{name}")


def _sent(tool: ListedTool, **arguments: Any) -> Outgoing:
    require_fit(tool.name, tool.parameters, arguments)
    return outgoing("https://shop.test/v1", {"Authorization": "Bearer t"}, tool, arguments)


def test_each_argument_goes_to_its_place() -> None:
    arguments = {"orderId": "a/b c", "tags": ["x", "y&z"], "where": {"k": 1}, "X-Trace": "t1"}
    call = _sent(_tool("add"), **arguments, body={"sku": "s", "note": None})
    assert call.method == "POST"
    assert call.url == (
        "https://shop.test/v1/orders/a%2Fb%20c/items?tags=x&tags=y%26z&where%5Bk%5D=1"
    )
    assert call.headers == {
        "x-trace": "t1",
        "content-type": "application/json",
        "authorization": "Bearer t",
    }
    assert json.loads(call.body) == {"sku": "s", "note": None}


def test_what_cannot_be_sent_is_left_out_and_said() -> None:
    found = listing("shop", DOCUMENT, FROM)
    assert [tool.name for tool in found.tools] == [
        "shop__read_note",
        "shop__add",
        "shop__odd_name",
    ]
    assert found.left_out == ["POST /upload: its body is image/png"]
    assert found.url == "https://shop.test/v1"


@pytest.mark.parametrize(
    "arguments",
    [
        {"orderId": "1"},  # no body
        {"orderId": "1", "body": {"sku": 1}},
        {"orderId": "1", "body": {"sku": "s", "parts": [{}]}},  # a part is an item, too
        {"orderId": "1", "body": {"sku": "s"}, "Authorization": "Bearer mine"},
        {"orderId": "..", "body": {"sku": "s"}},
        {"orderId": "", "body": {"sku": "s"}},
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed):
        _sent(_tool("add"), **arguments)


def test_schemas_are_taken_over_without_what_could_hurt() -> None:
    kept = json.dumps(_tool("add").parameters)
    assert "pattern" not in kept  # may take for ever to match
    note = _tool("add").parameters["$defs"]["components.schemas.Item"]["properties"]["note"]  # type: ignore[index,call-overload]
    assert note == {"type": ["string", "null"]}
    odd: dict[str, Any] = {"$ref": "https://evil.test/schema.json"}
    document = {
        **DOCUMENT,
        "paths": {"/x": {"get": {"parameters": [{**_query("q"), "schema": odd}]}}},
    }
    found = listing("shop", document, FROM)
    assert found.left_out == [
        "GET /x: it refers to https://evil.test/schema.json, outside the document"
    ]


def test_31_and_yaml_are_read() -> None:
    text = """
openapi: 3.1.0
servers: [{url: https://api.shop.test/}]
paths:
  /search:
    get:
      parameters:
        - {name: q, in: query, required: true, schema: {type: [string, "null"]}}
        - {name: since, in: query, schema: {type: string}, example: 2026-01-01}
        - {name: filter, in: query, content: {application/json: {schema: {type: object}}}}
    post:
      requestBody:
        content: {application/x-www-form-urlencoded: {schema: {type: object}}}
"""
    found = listing("shop", parsed(text), None)
    get, post = found.tools
    assert (get.name, found.url) == ("shop__get__search", "https://api.shop.test/")
    call = outgoing(found.url or "", {}, get, {"q": "a b", "filter": {"x": [1]}})
    assert call.url == "https://api.shop.test/search?q=a+b&filter=%7B%22x%22%3A+%5B1%5D%7D"
    sent = outgoing(found.url or "", {}, post, {"body": {"a": "b c"}})
    assert (sent.body, sent.headers) == (
        b"a=b+c",
        {"content-type": "application/x-www-form-urlencoded"},
    )


@pytest.mark.parametrize(
    "text",
    ["", "{", "openapi: 2.0", "swagger: '2.0'", "[]", "a: &a [1]\nb: [*a, *a]\nopenapi: 3.1.0",
     "!!python/object/apply:os.system [id]", "{" * 100_000, "[" * 5_000],
)  # fmt: skip
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(DocumentUnreadable):
        parsed(text)


def test_schemas_without_end_are_left_out() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"type": "array", "items": deep}
    document = {
        **DOCUMENT,
        "paths": {"/x": {"get": {"parameters": [{**_query("q"), "schema": deep}]}}},
    }
    assert "too large" in listing("shop", document, FROM).left_out[0]
    own = {"$ref": "#/components/schemas/Own"}
    document = {
        **DOCUMENT,
        "paths": {"/x": {"get": {"parameters": [{**_query("q"), "schema": own}]}}},
    }
    document["components"] = {"schemas": {"Own": own}}
    (tool,) = listing("shop", document, FROM).tools
    with pytest.raises(ValidationFailed, match="cannot be used"):
        require_fit(tool.name, tool.parameters, {"q": 1})


def _query(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query"}
