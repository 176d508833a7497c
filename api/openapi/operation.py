"""One row of the table of routes as an operation of OpenAPI 3.1."""

from __future__ import annotations

import inspect
import re
from http import HTTPStatus
from typing import Any, Final

from pydantic.alias_generators import to_camel

from api.endpoint import Endpoint, Media, Status
from api.openapi.errors import RATE_HEADERS, error_name, errors_of
from api.openapi.schemas import GIVEN, TAKEN, Mode, Schema, Schemas

REQUEST_HEADERS: Final = {
    "Idempotency-Key": "The same key with the same body is done once and answered alike.",
    "If-None-Match": "An ETag; 304 when the content is still that.",
    "If-Range": "An ETag; Range counts only while the content is still that.",
    "Last-Event-ID": "Number of the last event that was read; the stream goes on after it.",
    "Range": "One range of bytes, as in bytes=0-1023.",
    "X-Execution-Mode": "async answers at once, as the field async does.",
    "X-Run-Id": "An id for the run, of the caller's choice; one that the workspace has is a 409.",
}
_VARIABLE: Final = re.compile(r"<([^>]+)>")
_WORKSPACE: Final = {
    "name": "workspaceId",
    "in": "query",
    "description": "The workspace meant; without it a key's own, else the user's default.",
    "schema": {"type": "string"},
}


def wanted_types(route: Endpoint) -> list[tuple[object, Mode]]:
    """Return the types whose schemas describing a route takes."""
    taken: list[tuple[object, Mode]] = [
        (model, TAKEN) for model in (route.body, route.query) if model
    ]
    return taken + [
        (hint, GIVEN)
        for answer in route.answers.values()
        for content in _contents(answer)
        for hint in ([content.event] if isinstance(content, Media) else [content])
        if hint is not None
    ]


def path_of(route: Endpoint) -> str:
    """Return the route's path as OpenAPI writes it: ``/api/files/{fileId}``."""
    return _VARIABLE.sub(lambda found: "{" + to_camel(found[1]) + "}", route.path)


def operation(route: Endpoint, schemas: Schemas) -> dict[str, Any]:
    """Return the operation object of a route."""
    summary, _, rest = (inspect.getdoc(route.handler) or "").partition("\n")
    described: dict[str, Any] = {
        "operationId": _operation_id(route),
        "tags": [route.tag],
        "summary": summary,
        "x-nuxa-access": _access(route),
        "security": _security(route),
        "parameters": [*_path_parameters(route), *_query(route, schemas), *_headers(route)],
        "responses": _responses(route, schemas),
    }
    if rest.strip():
        described["description"] = rest.strip()
    if route.access.only:
        described["x-nuxa-only"] = route.access.only
    if route.access.needs_recent_login:
        described["x-nuxa-recent-login"] = True
    if route.body or route.multipart or (route.raw and route.method != "GET"):
        described["requestBody"] = _body(route, schemas)
    return described


def _operation_id(route: Endpoint) -> str:
    name = to_camel(route.handler.__name__)
    return f"v1{name[0].upper()}{name[1:]}" if route.path.startswith("/api/v1/") else name


def _access(route: Endpoint) -> str:
    if route.access.is_public:
        return "public"
    return route.access.role.name.lower() if route.access.role else "signed-in"


def _security(route: Endpoint) -> list[dict[str, list[str]]]:
    if route.access.is_public:
        return []
    ways = {"session": ["session"], "key": ["apiKey", "bearer"]}
    names = ways[route.access.only] if route.access.only else ["session", "apiKey", "bearer"]
    return [{name: []} for name in names]


def _path_parameters(route: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": to_camel(name), "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _VARIABLE.findall(route.path)
    ]


def _query(route: Endpoint, schemas: Schemas) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    if route.query is not None:
        whole = schemas.resolved(route.query, TAKEN)
        required = whole.get("required", [])
        for name, schema in whole["properties"].items():
            if name == _WORKSPACE["name"]:
                continue  # the model is a body's too
            shown.append(_query_parameter(name, schema, name in required))
    if not route.access.is_public and "<workspace_id>" not in route.path:
        shown.append(_WORKSPACE)
    return shown


def _query_parameter(name: str, schema: Schema, required: bool) -> dict[str, Any]:
    """Return a parameter; a query has no null, and an object in it is JSON."""
    schema = {key: value for key, value in schema.items() if key not in ("title", "description")}
    options = [option for option in schema.get("anyOf", []) if option.get("type") != "null"]
    if len(options) == 1:
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
        schema = {**options[0], **rest}
    described: dict[str, Any] = {"name": name, "in": "query", "required": required}
    if schema.get("type") == "object":
        return {**described, "content": {"application/json": {"schema": schema}}}
    return {**described, "schema": schema}


def _headers(route: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "header",
            "description": REQUEST_HEADERS[name],
            "schema": {"type": "string"},
        }
        for name in _header_names(route)
    ]


def _header_names(route: Endpoint) -> list[str]:
    is_keyed = route.takes_idempotency_key and not (route.multipart and route.body is None)
    return sorted({*route.headers, *(["Idempotency-Key"] if is_keyed else [])})


def _body(route: Endpoint, schemas: Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {"*/*": {"schema": {}}} if route.raw else {}
    required = route.multipart
    if route.body is not None:
        schema = schemas.resolved(route.body, TAKEN)
        required = required or bool(schema.get("required") or schema.get("oneOf"))
        content["application/json"] = {"schema": schemas.of(route.body, TAKEN)}
    if route.form:
        content["application/x-www-form-urlencoded"] = content["application/json"]
    if route.multipart:
        file = {"type": "string", "format": "binary"}
        fields = {"file": file} | {name: {"type": "string"} for name in route.form_fields}
        form = {
            "type": "object",
            "properties": fields,
            "required": ["file"],
            "additionalProperties": False,
        }
        content["multipart/form-data"] = {"schema": form}
    return {"required": required, "content": content}


def _responses(route: Endpoint, schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {
        str(kind.status): {"$ref": f"#/components/responses/{error_name(kind)}"}
        for kind in errors_of(route)
    }
    for status, answer in route.answers.items():
        names = (*RATE_HEADERS, *route.gives.get(status, ()))
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response: dict[str, Any] = {"description": _phrase(status), "headers": headers}
        content = [_content(part, schemas) for part in _contents(answer)]
        if content:
            response["content"] = {name: media for part in content for name, media in part.items()}
        found[str(status)] = response
    return dict(sorted(found.items()))


def _phrase(status: Status) -> str:
    return "Whatever the called thing says" if status == "default" else HTTPStatus(status).phrase


def _contents(answer: object) -> tuple[object, ...]:
    if answer is None:
        return ()
    return answer if isinstance(answer, tuple) else (answer,)


def _content(part: object, schemas: Schemas) -> dict[str, Any]:
    if not isinstance(part, Media):
        return {"application/json": {"schema": schemas.of(part, GIVEN)}}
    schema = {"type": "string"} if part.event is None else _event(schemas.of(part.event, GIVEN))
    return {part.type: {"schema": schema}}


def _event(schema: Schema) -> Schema:
    """Return the schema of one server-sent event, as OpenAPI 3.2 writes it."""
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}
    return {
        "type": "object",
        "description": "Each event of the stream; the last one's data is `[DONE]`.",
        "properties": {"id": {"type": "string"}, "data": {"anyOf": [data, {"const": "[DONE]"}]}},
        "required": ["data"],
    }
