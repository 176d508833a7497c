"""The Python side inside the interpreter, run here in ours: it needs the standard library alone."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest

from core.sandbox.limits import RUNTIME


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_code", RUNTIME / "run_code.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_RUN_CODE = _load()


async def _run(code: str, **inputs: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(await _RUN_CODE.run(code, json.dumps(inputs)))
    return told


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("", None),
        ("a", 1),
        ("b = a\nb + 1", 2),
        ("b = a", None),
        ("result = a", 1),
        ("result = a\n5", 1),
        ("return a", 1),
        ("for i in range(3):\n    if i == 1:\n        return i", 1),
        ("def f():\n    return 5\nf()", 5),
        ("x = 1\ndef f():\n    global x\n    x += 1\nf()\nreturn x", 2),
        ("import json as j\nreturn j.dumps([x for x in [1]])", "[1]"),
        ("def main(a): return a + 1", 2),
        ("def main(a, c=3): return [a, c]", [1, 3]),
        ("def main(**all): return all", {"a": 1, "main_": 2}),
        ("async def main(): return 7", 7),
        ("def main(): return 1\nreturn 2", 2),
        ("await_me = 1\nimport asyncio\nawait asyncio.sleep(0)\nawait_me", 1),
        ("inputs", {"a": 1, "main_": 2}),
        ("class A:\n    x = 1\nA.x", 1),
        ("lambda_ = lambda: 3\nlambda_()", 3),
        ("(1, 2)", [1, 2]),
    ],
)
async def test_result(code: str, result: object) -> None:
    told = await _run(code, a=1, main_=2)
    assert told == {"kind": "done", "json": json.dumps(result)}


@pytest.mark.parametrize(
    ("code", "message", "traceback"),
    [
        ("x = [\n1 +", "SyntaxError: '[' was never closed (function.py, line 1)", "line 1, column"),
        ("\nraise ValueError('x')", "ValueError: x", "line 2, in <module>: raise"),
        ("def main(b): return b", "TypeError: main() missing 1 required", None),
        ("object()", "The result is not JSON", None),
        ("float('inf')", "The result is not JSON", None),
        ("import sys\nsys.exit(2)", "SystemExit: 2", "line 2, in <module>"),
        ("yield 1", "SyntaxError: 'yield' outside function", "line 1"),
    ],
)
async def test_failure(code: str, message: str, traceback: str | None) -> None:
    told = await _run(code)
    assert told["kind"] == "failed"
    assert told["message"].startswith(message)
    assert [place[: len(traceback or "")] for place in told["traceback"][:1]] == (
        [traceback] if traceback else []
    )


async def test_deep_results_and_memory() -> None:
    assert (await _run("raise MemoryError"))["kind"] == "memory"
    deep = "a = []\nfor i in range(100_000): a = [a]\na"
    assert (await _run(deep))["kind"] == "output"


async def test_the_place_is_innermost_first() -> None:
    told = await _run("def f():\n    1 / 0\n\nf()")
    assert told["traceback"] == ["line 2, in f: 1 / 0", "line 4, in <module>: f()"]
