"""What the product imports is declared, and what is declared is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "pipelines", "ingest", "copilot", "api", "workers", "evals")
# Scripts of the sandbox, which import each other by their file's name.
EXEMPT = ROOT / "core" / "sandbox" / "runtime"
# Functions whose first argument names a module or a distribution.
NAMING = {"import_module", "find_spec", "files", "version"}
# Distributions of extras that a development installation lacks.
NOT_INSTALLED = {
    "faster_whisper": "faster-whisper",
    "hibari": "hibari-tts",
    "xllamacpp": "xllamacpp",
}
# Brought by the extras that are asked for of sentence-transformers and unstructured.
INDIRECT = {"onnx", "onnxruntime", "spacy"}
UNIMPORTED = {
    "tzdata": "zoneinfo reads it where the system has no time zones",
    "pandas": "Python functions of workflows may import it",
    "scipy": "Python functions of workflows may import it",
}


def _normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _names(requirements: list[str]) -> set[str]:
    return {_normalize(re.split(r"[^\w.-]", each, maxsplit=1)[0]) for each in requirements}


def _declared() -> set[str]:
    """Return the distributions that the product may import, those of its extras among them."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project: dict[str, Any] = tomllib.loads(text)["project"]
    extras = project["optional-dependencies"]
    product = (extras[name] for name in extras.keys() - {"dev", "browser"})
    return _names(project["dependencies"]).union(*map(_names, product))


def _imports(path: Path) -> Iterator[str]:
    """Yield the top-level modules that a file names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and node.args:
            name = ast.unparse(node.func).rpartition(".")[2]
            if name in NAMING and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value).partition(".")[0]


def _imported() -> set[str]:
    """Return the distributions of all foreign modules that the product names."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    modules = {module for path in paths if EXEMPT not in path.parents for module in _imports(path)}
    foreign = modules - {*PACKAGES, *sys.stdlib_module_names, "nuxa-flow"}
    distributions = packages_distributions()
    found: set[str] = set()
    for module in foreign:
        installed = {_normalize(name) for name in distributions.get(module, [])}
        # A namespace has several distributions: that which is declared is meant.
        found |= installed & _declared() or installed or {NOT_INSTALLED.get(module, module)}
    return found


def test_dependencies_of_product_are_declared_and_used() -> None:
    declared, imported = _declared(), _imported()
    assert sorted(imported - declared - INDIRECT) == []
    assert sorted(declared - imported - UNIMPORTED.keys()) == []
