"""Dify's HTTP requests. A key that stands in the file becomes a secret to be set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from pipelines.imports.dify_node import Node

_FORM = "application/x-www-form-urlencoded"


def http_request(node: Node) -> None:
    """Add an ``api`` block."""
    body: Mapping[str, Any] = node.data.get("body") or {}
    headers = {**_pairs(node, node.data.get("headers")), **_authorization(node)}
    kind = str(body.get("type") or "none")
    if kind == _FORM.removeprefix("application/"):
        headers.setdefault("Content-Type", _FORM)
    settings: dict[str, JsonValue] = {
        "url": node.references.text(node.data.get("url")).strip(),
        "method": str(node.data.get("method") or "get").upper(),
        "params": {**_pairs(node, node.data.get("params"))} or None,
        "headers": {**headers} or None,
        "body": _body(node, kind, body.get("data")),
    }
    rest = node.rest("url", "method", "params", "headers", "body", "authorization", "timeout")
    node.draft.add(node.origin, "api", settings, rest)


def _body(node: Node, kind: str, data: object) -> JsonValue:
    fields = (
        [field for field in data if isinstance(field, Mapping)] if isinstance(data, list) else []
    )
    if kind == "none":
        return None
    if kind in ("form-data", "binary"):
        node.draft.warn(f'Block "{node.origin.name}" sends a {kind} body, which is left away.')
        return None
    if kind.endswith("urlencoded"):
        pairs = {str(f["key"]): f.get("value") for f in fields} or _pairs(node, data)
        filled = ((quote(key), node.references.text(value)) for key, value in pairs.items())
        return "&".join(f"{key}={value}" for key, value in filled)
    whole = fields[0].get("value") if fields else data
    return node.references.text(whole) if whole else None


def _pairs(node: Node, lines: object) -> dict[str, str]:
    """Read lines of ``name:value``."""
    found: dict[str, str] = {}
    for line in str(lines or "").splitlines() if isinstance(lines, str) else []:
        name, _, value = node.references.text(line).partition(":")
        if name.strip():
            found[name.strip()] = value.strip()
    return found


def _authorization(node: Node) -> dict[str, str]:
    given: Mapping[str, Any] = node.data.get("authorization") or {}
    config: Mapping[str, Any] = given.get("config") or {}
    if given.get("type") in (None, "no-auth") or not config:
        return {}
    key = node.references.text(config.get("api_key"))
    if key and not key.startswith("{{"):
        key = _as_secret(node)
    kind = str(config.get("type"))
    if kind == "custom":
        return {str(config.get("header") or "Authorization"): key}
    return {"Authorization": f"{kind.capitalize()} {key}"}


def _as_secret(node: Node) -> str:
    """Return the reference to a secret that is to hold a key; the key itself is not kept."""
    spelled = re.sub(r"[^A-Za-z0-9]+", "_", node.origin.name).strip("_").upper()
    name = f"{spelled or 'IMPORTED'}_KEY"
    name = f"KEY_{name}" if name[0].isdigit() else name
    node.draft.warn(
        f'Block "{node.origin.name}": the key in the file is not kept; set it as the secret {name} '
        "of the workspace."
    )
    return "{{" + name + "}}"
