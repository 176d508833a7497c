"""Libraries are used by their public names; what cannot be is in one marked module a library."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "pipelines", "ingest", "copilot", "api", "workers")
MAX_INTERNALS = 10
# Modules that rely on parts of libraries beyond their documentation, with the versions they were
# written for. After an update: read the module beside the library, then name its version here.
MARKED = {
    "api/connections.py": {"uvicorn": "0.54"},
    "api/sockets/engine.py": {"python-socketio": "5.18", "python-engineio": "4.15"},
    "core/models/answer.py": {"litellm": "1.110"},  # whether an end came, in `has_reason`
    "core/store/walls.py": {"sqlalchemy": "2.1"},  # `sqlalchemy.util.await_`
}
# Modules that are still to be mended; none is added.
UNMENDED = {"core/models/lean.py"}
# Documented names that begin with an underscore, of named tuples, ``os`` and ``ctypes``.
DOCUMENTED = {"_replace", "_asdict", "_fields", "_make", "_exit", "_fields_"}
# Names whose attributes are documented to be set.
SETTINGS = {"litellm", "matplotlib", "Image", "pytesseract", "g", "sys"}


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in DOCUMENTED


def _own_names(files: list[list[ast.AST]]) -> set[str]:
    """Return all names with an underscore that the product itself defines."""
    found: set[str] = set()
    for node in (node for nodes in files for node in nodes):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                found.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def _foreign_names(nodes: list[ast.AST]) -> set[str]:
    """Return the names under which a file has modules and classes of others."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {
                alias.asname or alias.name.partition(".")[0]
                for alias in node.names
                if alias.name.partition(".")[0] not in PACKAGES
            }
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.partition(".")[0] not in PACKAGES:
                found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if ast.unparse(node.value.func).endswith("import_module"):
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _internals(nodes: list[ast.AST], own: set[str]) -> Iterator[tuple[int, str]]:
    """Yield private names of others that a file uses, and public ones that it replaces."""
    foreign = _foreign_names(nodes)
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module.partition(".")[0] not in {*PACKAGES, "__future__"}:
                parts = [*node.module.split("."), *(alias.name for alias in node.names)]
                if any(map(_is_private, parts)):
                    yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Attribute) and _is_internal(node, foreign, own):
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            if ast.unparse(node.value) == "sys.modules":
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Call) and len(node.args) > 1:
            yield from _named_in_call(node, foreign, own)
    yield from _overrides(nodes)


def _is_internal(node: ast.Attribute, foreign: set[str], own: set[str]) -> bool:
    root = _root(node)
    if _is_private(node.attr):
        return root in foreign or node.attr not in own
    is_set = isinstance(node.ctx, ast.Store | ast.Del)
    return is_set and root in foreign and root not in SETTINGS


def _named_in_call(node: ast.Call, foreign: set[str], own: set[str]) -> Iterator[tuple[int, str]]:
    function, name = node.func.id if isinstance(node.func, ast.Name) else "", node.args[1]
    if function not in ("getattr", "setattr", "delattr", "hasattr"):
        return
    is_private = isinstance(name, ast.Constant) and _is_private(str(name.value))
    is_replaced = function in ("setattr", "delattr") and _root(node.args[0]) in foreign
    if (is_private and name.value not in own) or is_replaced:
        yield node.lineno, ast.unparse(node)


def _overrides(nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    """Yield private methods of foreign classes that a file's own classes replace."""
    modules = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if node.module.partition(".")[0] not in PACKAGES
    }
    for node in nodes:
        if not isinstance(node, ast.ClassDef):
            continue
        own = [
            each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        private = [each for each in own if _is_private(each.name)]
        named = [base.id for base in node.bases if isinstance(base, ast.Name) and private]
        for module, name in (modules[base] for base in named if base in modules):
            foreign = getattr(import_module(module), name)
            for each in private:
                if hasattr(foreign, each.name):
                    yield each.lineno, f"{node.name}.{each.name} of {name}"


def test_internals_of_libraries_are_used_in_marked_modules_alone() -> None:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    files = [list(ast.walk(ast.parse(path.read_text(encoding="utf-8")))) for path in paths]
    own = _own_names(files)
    found = {
        str(path.relative_to(ROOT)): list(_internals(nodes, own))
        for path, nodes in zip(paths, files, strict=True)
    }
    elsewhere = {name: uses for name, uses in found.items() if uses and name not in MARKED}
    assert {name: uses for name, uses in elsewhere.items() if name not in UNMENDED} == {}
    assert sum(len(found[name]) for name in MARKED) <= MAX_INTERNALS


def test_marked_modules_are_used_with_the_versions_they_were_written_for() -> None:
    for name, versions in MARKED.items():
        installed = {library: version(library).rpartition(".")[0] for library in versions}
        assert installed == versions, name
