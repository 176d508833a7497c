"""The whole description: every route of the table, and what they share."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from api.access import SESSION_COOKIE
from api.endpoint import ENDPOINTS, Endpoint
from api.openapi.errors import (
    ErrorAnswer,
    error_name,
    error_response,
    errors_of,
    header_components,
)
from api.openapi.operation import operation, path_of, wanted_types
from api.openapi.schemas import GIVEN, TAKEN, Schema, Schemas

_ABOUT: Final = """\
JSON in camelCase, times in UTC. A list is `{"data": […], "nextCursor": …}`: send `nextCursor` as
`cursor` for the next page. Every error is `{"error": {"code", "message", "details"}}`; `message`
says what to do next. Another workspace's id is a 404. Streams are server-sent events that resume
after `Last-Event-ID`. `x-nuxa-access` is the smallest role a route takes, or `public`, or
`signed-in`; `x-nuxa-only` marks routes for sessions or for keys alone.\
"""
_SCHEMES: Final = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "Set by signing in; writes are refused from other sites' pages.",
    },
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_REFERENCE: Final = re.compile(r'"#/components/schemas/([^"]+)"')
_NAMED: Final = {"type": "string", "description": "The workspace meant, as in the query."}


@lru_cache(maxsize=1)
def document_bytes() -> bytes:
    """Return the description of the running application as JSON, made once."""
    return json.dumps(describe(ENDPOINTS), ensure_ascii=False).encode()


def describe(routes: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of routes."""
    wanted = [pair for route in routes for pair in wanted_types(route)]
    schemas = Schemas([*wanted, (ErrorAnswer, GIVEN)])
    for route in routes:
        if route.body is not None:
            _finish_body(route, schemas.resolved(route.body, TAKEN))
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for route in sorted(routes, key=lambda route: route.path):
        paths[path_of(route)][route.method.lower()] = operation(route, schemas)
    error = schemas.of(ErrorAnswer, GIVEN)
    kinds = {error_name(kind): kind for route in routes for kind in errors_of(route)}
    responses = {name: error_response(kinds[name], error) for name in sorted(kinds)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Nuxa Flow", "version": _version(), "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in sorted({route.tag for route in routes})],
        "paths": paths,
        "components": {
            "schemas": _used(schemas.components, [paths, responses]),
            "responses": responses,
            "headers": header_components(),
            "securitySchemes": _SCHEMES,
        },
    }


def _finish_body(route: Endpoint, schema: Schema) -> None:
    """Say of a body what its model does not: ``workspaceId`` is taken out before it is checked,
    and what is absent from a PATCH stays as it is."""
    fields = schema["anyOf"][0] if "anyOf" in schema else schema
    properties = fields.setdefault("properties", {})
    if not route.access.is_public:
        properties.setdefault("workspaceId", _NAMED)
    if route.method == "PATCH":
        for field in properties.values():
            field.pop("default", None)


def _used(components: Schema, places: list[Any]) -> Schema:
    """Return the components that are referred to, be it through others; a query's model is not."""
    waiting, used = set(_references(places)), set[str]()
    while waiting:
        name = waiting.pop()
        used.add(name)
        waiting |= set(_references(components[name])) - used
    return {name: components[name] for name in sorted(used)}


def _references(node: Any) -> list[str]:
    return _REFERENCE.findall(json.dumps(node))


def _version() -> str:
    try:
        return version("nuxa-flow")
    except PackageNotFoundError:
        return "0"
