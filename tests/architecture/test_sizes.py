"""Files stay under 400 lines and functions under 50."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "pipelines", "ingest", "copilot", "api", "workers", "evals")
# A migration is a list of statements, written once: docs/decisions/0002-sizes.md
EXEMPT = ROOT / "core" / "migrations" / "versions"
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50


def _source_files() -> list[Path]:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in files if EXEMPT not in path.parents)


def _long_functions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines"


def test_sizes_of_all_sources_are_within_limits() -> None:
    oversized = []
    for path in _source_files():
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > MAX_FILE_LINES:
            oversized.append(f"{path.relative_to(ROOT)}: {lines} lines")
        oversized += _long_functions(path)
    assert not oversized
