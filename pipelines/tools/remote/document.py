"""Reading an OpenAPI document (3.0, 3.1) into tools: https://spec.openapis.org/oas/v3.1.1.html."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urljoin

import yaml

from core.errors import ValidationFailed
from pipelines.tools.remote.listed import MOST_TOOLS, ListedTool, Listing, named, shortened
from pipelines.tools.remote.operation import NoTool, read_operation
from pipelines.tools.remote.schema import SchemaUnusable, cleaned

LARGEST: Final = 4_000_000  # characters
_METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options")
_READ_ONLY: Final = frozenset({"get", "head", "options"})


class DocumentUnreadable(ValidationFailed):
    """It is no OpenAPI document of a version that is read."""


class _Loader(yaml.SafeLoader):
    """YAML without aliases: a few of them can stand for more than memory holds."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise DocumentUnreadable("The document has YAML aliases; send it without, or as JSON.")
        return super().compose_node(parent, index)


def parsed(text: str) -> dict[str, Any]:
    """Return a document, JSON or YAML; raises ``DocumentUnreadable``."""
    if len(text) > LARGEST:
        raise DocumentUnreadable(f"The document has more than {LARGEST} characters; shorten it.")
    try:
        found = json.loads(text) if text.lstrip()[:1] == "{" else yaml.load(text, _Loader)  # noqa: S506
        # YAML has dates and binary; what is kept is JSON.
        found = json.loads(json.dumps(found, default=str))
    except (ValueError, RecursionError, TypeError, yaml.YAMLError) as error:
        raise DocumentUnreadable("The document is neither JSON nor YAML.") from error
    version = str(found.get("openapi", "")) if isinstance(found, dict) else ""
    if not version.startswith(("3.0", "3.1")):
        raise DocumentUnreadable("The document does not say that it is OpenAPI 3.0 or 3.1.")
    return dict(found)


def listing(source: str, document: Mapping[str, Any], read_from: str | None) -> Listing:
    """Return the operations as tools, and the server's URL: the first that the document names,
    relative to where it was read from."""
    found = Listing(url=_server(document, read_from))
    for method, path, item, operation in _operations(document):
        label = f"{method.upper()} {path}"
        if len(found.tools) == MOST_TOOLS:
            found.left_out.append(f"{label}: more than {MOST_TOOLS} operations")
            continue
        try:
            shape = read_operation(document, item, operation)
            parameters = cleaned(shape.parameters)
        except (NoTool, SchemaUnusable, RecursionError) as error:
            found.left_out.append(f"{label}: {error}")
            continue
        name = str(operation.get("operationId") or f"{method}_{path}")
        told = [str(operation.get(key) or "") for key in ("summary", "description")]
        found.tools.append(
            ListedTool(
                named(source, name, [tool.name for tool in found.tools]),
                shortened("\n".join(filter(None, told)) or label),
                parameters,
                method in _READ_ONLY,
                {"method": method.upper(), "path": path, **shape.call},
            )
        )
    return found


def _operations(
    document: Mapping[str, Any],
) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
    paths = document.get("paths")
    for path, item in (paths if isinstance(paths, dict) else {}).items():
        for method in _METHODS if isinstance(item, dict) and path.startswith("/") else ():
            if isinstance(item.get(method), dict):
                yield method, path, item, item[method]


def _server(document: Mapping[str, Any], read_from: str | None) -> str | None:
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else None
    if not isinstance(first, dict) or not isinstance(first.get("url"), str):
        return urljoin(read_from, "/") if read_from else None
    url = first["url"]
    variables = first.get("variables")
    for name, variable in (variables if isinstance(variables, dict) else {}).items():
        if isinstance(variable, dict):
            url = url.replace("{" + name + "}", str(variable.get("default", "")))
    whole = urljoin(read_from, url) if read_from else url
    return whole if whole.startswith(("https://", "http://")) else None
