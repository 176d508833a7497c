"""Calling an operation of an OpenAPI document, at the server that was pinned."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from pydantic import JsonValue

from core.errors import ValidationFailed
from core.http import HttpClient, Outgoing, form_body, json_body
from pipelines.tools.base import Output
from pipelines.tools.remote.listed import ListedTool
from pipelines.tools.upstream import refused, said_in

_STEPS: Final = frozenset({"", ".", ".."})  # would lead to another path


async def call_operation(
    http: HttpClient,
    url: str,
    headers: Mapping[str, str],
    tool: ListedTool,
    arguments: Mapping[str, JsonValue],
) -> Output:
    """Make the call and return ``status`` and ``data``; raises ``ServiceRefused`` for any status
    that is no success, and what the guarded client raises."""
    answer = await http.request(outgoing(url, headers, tool, arguments))
    if not answer.is_success:
        said = said_in(answer, "message") or said_in(answer, "error", "message") or answer.text
        raise refused(str(tool.call["path"]), answer, said)
    return {"status": answer.status, "data": answer.data()}


def outgoing(
    url: str, headers: Mapping[str, str], tool: ListedTool, arguments: Mapping[str, JsonValue]
) -> Outgoing:
    """Return the call that arguments make; the registered ``headers`` win over any of theirs."""
    call, path = tool.call, str(tool.call["path"])
    query: list[tuple[str, str]] = []
    sent: dict[str, str] = {}
    body = b""
    for name, value in arguments.items():
        where = call["arguments"][name]
        if value is None:
            continue
        if where["in"] == "path":
            path = path.replace("{" + where["name"] + "}", _step(where, value))
        elif where["in"] == "query":
            query.extend(_pairs(where, value))
        elif where["in"] == "header":
            sent[where["name"].lower()] = _joined(where, value)
        else:
            body = _body(call["body"], value)
            sent["content-type"] = call["body"]
    whole = url.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
    registered = {name.lower(): value for name, value in headers.items()}
    return Outgoing(call["method"], whole, {**sent, **registered}, body)


def _step(where: Mapping[str, Any], value: JsonValue) -> str:
    text = _joined(where, value)
    if text in _STEPS:
        raise ValidationFailed(f"{where['name']} must not be {text!r}: it stands in a path.")
    return quote(text, safe="")


def _pairs(where: Mapping[str, Any], value: JsonValue) -> Iterator[tuple[str, str]]:
    name, explode = where["name"], where["explode"]
    if where["json"] or not isinstance(value, list | dict):
        yield name, _joined(where, value)
    elif isinstance(value, list) and explode:
        yield from ((name, _text(item)) for item in value)
    elif isinstance(value, list):
        between = {"spaceDelimited": " ", "pipeDelimited": "|"}.get(where["style"], ",")
        yield name, between.join(map(_text, value))
    elif where["style"] == "deepObject":
        yield from ((f"{name}[{key}]", _text(item)) for key, item in value.items())
    elif explode:
        yield from ((key, _text(item)) for key, item in value.items())
    else:
        yield name, _joined(where, value)


def _joined(where: Mapping[str, Any], value: JsonValue) -> str:
    """Return a value as one text: the styles ``simple`` and ``form`` without ``explode``."""
    if where["json"]:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return ",".join(map(_text, value))
    if isinstance(value, dict):
        between = "=" if where["explode"] else ","
        return ",".join(f"{key}{between}{_text(item)}" for key, item in value.items())
    return _text(value)


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _body(media: str, value: JsonValue) -> bytes:
    if "json" in media:
        return json_body(value)
    if media.startswith("text/"):
        return _text(value).encode()
    fields = value if isinstance(value, dict) else {"value": value}
    return form_body({name: _text(item) for name, item in fields.items() if item is not None})
