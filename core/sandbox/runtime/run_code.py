"""Runs a user's Python inside Pyodide, with the standard library alone.

What the code's result is, in this order: what a top-level ``return`` returns; what ``main`` returns
when the code defines it (called with the inputs that it names); the variable ``result``; the value
of a last line that is an expression; else None. ``await`` works everywhere, inputs are variables.
"""

from __future__ import annotations

import ast
import inspect
import json
import linecache
import random
import sys
import traceback
from collections.abc import Iterator
from typing import Any

FILE = "function.py"
_LONGEST_MESSAGE = 4000
_MOST_FRAMES = 20
_LAST = "__last_expression__"
_BODY = "__body__"


async def run(code: str, inputs_json: str) -> str:
    """Return the outcome as JSON: ``{kind: done | failed | memory | output, …}``."""
    random.seed()  # the snapshot froze its state
    linecache.cache[FILE] = (len(code), None, code.splitlines(keepends=True), FILE)
    try:
        result = await _evaluate(code, json.loads(inputs_json))
        outcome = _done(result)
    except MemoryError:
        outcome = {"kind": "memory"}
    except BaseException as error:  # noqa: BLE001 - whatever the code raised is its outcome
        outcome = _failed(error)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return json.dumps(outcome)


async def _evaluate(code: str, inputs: dict[str, Any]) -> Any:
    tree = ast.parse(code, FILE)
    scope: dict[str, Any] = {"__name__": "__main__", "inputs": inputs}
    scope.update((name, value) for name, value in inputs.items() if name.isidentifier())
    returns = any(_own_returns(tree.body))
    if returns:
        tree.body = [_as_function(tree.body)]
    elif tree.body and isinstance(tree.body[-1], ast.Expr):
        last = tree.body[-1]
        target = ast.Name(_LAST, ast.Store())
        tree.body[-1] = ast.copy_location(ast.Assign([target], last.value), last)
    before = scope.get("result")
    await _execute(ast.fix_missing_locations(tree), scope)
    if returns:
        return await scope[_BODY]()
    if "main" in scope and callable(scope["main"]) and "main" not in inputs:
        return await _call_main(scope["main"], inputs)
    if scope.get("result") is not before:
        return scope["result"]
    return scope.get(_LAST)


async def _execute(tree: ast.Module, scope: dict[str, Any]) -> None:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    program = compile(tree, FILE, "exec", flags=flags, dont_inherit=True)
    started = eval(program, scope)  # noqa: S307 - running the user's code is what this is for
    if inspect.iscoroutine(started):
        await started


def _as_function(body: list[ast.stmt]) -> ast.stmt:
    function = ast.parse(f"async def {_BODY}(): pass").body[0]
    assert isinstance(function, ast.AsyncFunctionDef)
    names = sorted(_assigned(body))
    function.body = [*([ast.Global(names)] if names else []), *body]
    return function


def _own_returns(body: list[ast.stmt]) -> Iterator[ast.AST]:
    return (node for node in _own_nodes(body) if isinstance(node, ast.Return))


def _assigned(body: list[ast.stmt]) -> set[str]:
    """Names the top level binds: they stay global, as they would without the ``return``."""
    names = set()
    for node in _own_nodes(body):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
    return names - {"*"}


def _own_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the nodes of the top level, without what is inside functions and classes."""
    waiting: list[ast.AST] = list(body)
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    scopes = (*inner, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, scopes):
            waiting.extend(ast.iter_child_nodes(node))


async def _call_main(main: Any, inputs: dict[str, Any]) -> Any:
    parameters = inspect.signature(main).parameters
    takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    given = inputs if takes_all else {k: v for k, v in inputs.items() if k in parameters}
    result = main(**given)
    return await result if inspect.isawaitable(result) else result


def _done(result: Any) -> dict[str, Any]:
    try:
        return {"kind": "done", "json": json.dumps(result, allow_nan=False, default=_plain)}
    except RecursionError:
        return {"kind": "output", "message": "its result"}
    except (TypeError, ValueError) as error:
        message = f"The result is not JSON: {error}"
        return {"kind": "failed", "message": message, "traceback": []}


def _plain(value: Any) -> Any:
    """Return what JSON has for values of NumPy and pandas; raise ``TypeError`` for others."""
    if type(value).__name__ == "DataFrame":
        return value.to_dict("records")
    for method in ("tolist", "isoformat"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _failed(error: BaseException) -> dict[str, Any]:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == FILE]
    places = [f"line {frame.lineno}, in {frame.name}: {frame.line}" for frame in frames]
    if isinstance(error, SyntaxError) and error.filename == FILE:
        places = [f"line {error.lineno}, column {error.offset}: {(error.text or '').strip()}"]
    message = f"{type(error).__name__}: {error}"[:_LONGEST_MESSAGE]
    return {"kind": "failed", "message": message, "traceback": places[: -_MOST_FRAMES - 1 : -1]}
