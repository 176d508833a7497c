"""Libraries are used by their public names; the exceptions are listed, each until it is gone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "pipelines", "ingest", "copilot", "api", "workers")
DOCUMENTED = {  # names, and settings, that their libraries document
    *("_asdict", "_exit", "_make", "_replace", "_fields_", "_pack_"),
    *("Image.MAX_IMAGE_PIXELS", "pytesseract.pytesseract.tesseract_cmd", "g.budget"),
    *("litellm.custom_provider_map", "litellm.suppress_debug_info", "litellm.telemetry"),
    *("sys.stdout", "sys.stderr"),
}
ALLOWED: dict[str, list[str]] = {
    "api/app.py": ["g._get_current_object"],
    "api/framework.py": ["self._create_request_from_scope", "super()._send_response"],
    "core/models/answer.py": ["wrapped._cast_to"],
    "core/models/lean.py": ["torch.distributed.is_available"],
    "core/models/providers.py": [
        "litellm.disable_streaming_logging",
        "litellm.response_cost_calculator",
    ],
    "core/store/driver.py": ["pooled.dbapi_connection._start_transaction"],
}


def find_private_names(source: str, own_names: frozenset[str]) -> Iterator[str]:
    """Yield what a module uses or replaces of others that is not theirs to give."""
    tree = ast.parse(source)
    foreign = set(_foreign_names(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            if _is_foreign(node.module) and any(map(_is_private, names)):
                yield f"from {node.module} import {', '.join(a.name for a in node.names)}"
        elif isinstance(node, ast.Attribute):
            written = ast.unparse(node)
            if written in DOCUMENTED or node.attr in DOCUMENTED:
                continue
            is_foreign = _root(node) in foreign
            is_replaced = is_foreign and not isinstance(node.ctx, ast.Load)
            is_known = node.attr in own_names and not is_foreign and not _is_of_parent(node)
            if is_replaced or (_is_private(node.attr) and not is_known):
                yield written
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) == "setattr"
            and _root(node.args[0]) in foreign
        ):
            yield ast.unparse(node)


@cache
def _own_names() -> frozenset[str]:
    """The private names that the product defines."""
    names = set()
    for path in _source_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Attribute) and _root(node) in ("self", "cls"):
                if not isinstance(node.ctx, ast.Load):
                    names.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
    return frozenset(names)


def _source_files() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def _foreign_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (
                (alias.asname or alias.name).partition(".")[0]
                for alias in node.names
                if _is_foreign(alias.name)
            )
        elif isinstance(node, ast.ImportFrom) and _is_foreign(node.module):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and "import_module(" in ast.unparse(node):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _is_foreign(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] not in PACKAGES


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_of_parent(node: ast.Attribute) -> bool:
    return ast.unparse(node.value) == "super()"


def test_private_names_of_libraries_are_those_that_are_allowed() -> None:
    found = {}
    for path in _source_files():
        names = sorted(set(find_private_names(path.read_text(encoding="utf-8"), _own_names())))
        if names:
            found[str(path.relative_to(ROOT))] = names
    assert found == ALLOWED
    assert not any(path.startswith("ingest/") for path in found)


def test_find_private_names_in_each_way_of_using_one_finds_it() -> None:
    source = (
        "import importlib\nimport lib\nfrom lib._inner import a\nfrom core import b\n"
        "lib.hook = None\nlib.thing._part\nb._own\nself._own\nlib.Thing()._own_of_lib\n"
        "loaded: object = importlib.import_module('lib.more')\nloaded.hook = 1\n"
        "setattr(lib, 'x', 1)\nlib.public\nsuper()._own\nlib.row._asdict()\n"
    )
    assert list(find_private_names(source, frozenset({"_own"}))) == [
        "from lib._inner import a",
        "lib.hook",
        "lib.thing._part",
        "lib.Thing()._own_of_lib",
        "loaded.hook",
        "setattr(lib, 'x', 1)",
        "super()._own",
    ]
