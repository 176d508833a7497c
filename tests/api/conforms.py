"""Every answer that a test of the API gets is held to what the description says of it."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from api.openapi.document import document_bytes

_ROOT = "urn:openapi"


@cache
def document() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(document_bytes())
    return described


@cache
def _registry() -> Registry[Any]:
    return Registry().with_resource(_ROOT, Resource.from_contents(document(), DRAFT202012))


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    # A path without variables is the better match.
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), path) for path in paths]


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """Return the operation that a request reaches; None for one that no route takes."""
    for pattern, template in _templates():
        if pattern.fullmatch(path) and method.lower() in document()["paths"][template]:
            found: dict[str, Any] = document()["paths"][template][method.lower()]
            return found
    return None


@cache
def _validator(schema: str) -> Draft202012Validator:
    absolute = json.loads(schema.replace('"#/', f'"{_ROOT}#/'))
    return Draft202012Validator(absolute, registry=_registry())


def breaches(schema: dict[str, Any], value: Any) -> list[str]:
    """Return how a value breaks a schema of the description."""
    found = _validator(json.dumps(schema)).iter_errors(value)
    return [f"{list(error.absolute_path)}: {error.message[:500]}" for error in found]


async def conforms(answer: httpx.Response) -> None:
    """Raise unless an answer is one that the description tells of; a hook of httpx."""
    request = answer.request
    # HEAD is answered as GET is, without its body (RFC 9110).
    method = "GET" if request.method == "HEAD" else request.method
    operation = operation_of(method, request.url.path)
    if operation is None:
        assert answer.status_code in (401, 404, 405, 429), f"undescribed: {request.url.path}"
        return
    where = f"{request.method} {request.url.path} -> {answer.status_code}"
    responses = operation["responses"]
    described = responses.get(str(answer.status_code)) or responses.get("default")
    assert described is not None, f"{where} is not described"
    if "$ref" in described:
        described = document()["components"]["responses"][described["$ref"].split("/")[-1]]
    for name in described.get("headers", {}):
        assert name in answer.headers, f"{where} lacks {name}"
    await _body_conforms(answer, described.get("content", {}), where, "default" in responses)


async def _body_conforms(
    answer: httpx.Response, content: dict[str, Any], where: str, is_open: bool
) -> None:
    """``is_open``: a workflow may have put a body of its own there."""
    kind = answer.headers.get("content-type", "").split(";")[0]
    if answer.status_code in (204, 304) or answer.request.method == "HEAD":
        return
    if kind != "application/json" or (kind not in content and "*/*" in content and not is_open):
        is_empty = not kind and not content
        assert is_empty or is_open or kind in content or "*/*" in content, f"{where} gives {kind}"
        return
    if is_open and "metadata" not in json.loads(await answer.aread() or b"{}"):
        return
    assert kind in content, f"{where} gives {kind}"
    found = breaches(content[kind]["schema"], json.loads(await answer.aread()))
    assert not found, f"{where}: {found}"
