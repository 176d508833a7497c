"""The language of conditions: comparisons, logic, arithmetic, references and a few pure functions.

``<agent.content> contains "yes" and length(<search.results>) > 2``

There is no attribute access, no call of anything but the functions below and no way to name a
Python object. A source is bounded in length and depth, an evaluation in the text it may touch.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, VisitError
from pydantic import JsonValue

from core.errors import ValidationFailed
from core.fair_limiter import FairLimiter
from core.json_values import measure_json
from pipelines.expression_values import FUNCTIONS, OPERATORS, Budget, bounded
from pipelines.references import (
    Reference,
    Scope,
    Secret,
    TextBudget,
    as_text,
    find,
    read_token,
    resolve,
)

_LIGHT_BYTES: Final = 20_000
_THREADS: Final = 2
_WAIT_SECONDS: Final = 60.0  # for a free thread
_threads: Final = ThreadPoolExecutor(_THREADS, thread_name_prefix="expressions")
_slots: Final = FairLimiter(_THREADS)
MAX_LENGTH = 4000  # characters of a source
MAX_DEPTH = 100  # nesting of its operations; a chain of operators nests too

_GRAMMAR = r"""
    ?start: either
    ?either: both | either _OR both -> or_
    ?both: negation | both _AND negation -> and_
    ?negation: comparison | _NOT negation -> not_
    ?comparison: sum | sum COMPARE sum -> binary
    ?sum: product | sum PLUS product -> binary | sum MINUS product -> binary
    ?product: unary | product TIMES unary -> binary
    ?unary: atom | MINUS unary -> minus
    ?atom: NUMBER -> number
        | STRING -> string
        | CONSTANT -> constant
        | TOKEN -> token
        | NAME "(" [either ("," either)*] ")" -> call
        | "[" [either ("," either)*] "]" -> list_
        | "(" either ")"

    _OR.2: /or\b|\|\|/i
    _AND.2: /and\b|&&/i
    _NOT.2: /not\b|!/i
    COMPARE: /===|!==|==|!=|<=|>=|<|>|not\s+in\b|in\b|contains\b|startsWith\b|endsWith\b/i
    PLUS: "+"
    MINUS: "-"
    TIMES: "*" | "/" | "%"
    CONSTANT.2: /(true|false|null)\b/i
    NUMBER: /\d+(\.\d+)?([eE][+-]?\d{1,3})?/
    STRING: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/s
    TOKEN: /<(?!\d+[.\[])\w[\w()-]*(\.[\w-]+|\[\d{1,6}\])+>|\{\{\s*[A-Za-z_][A-Za-z0-9_]*\s*\}\}/
    NAME: /[A-Za-z_]\w*/
    %ignore /\s+/
"""
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_CONSTANTS: dict[str, JsonValue] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class Node:
    """One operation: ``kind`` says which, ``parts`` what it works on."""

    kind: str
    value: JsonValue = None
    token: Reference | Secret | None = None
    parts: tuple[Node, ...] = ()
    depth: int = 1


_Items: TypeAlias = list[Node | Token]


def _node(kind: str, value: JsonValue = None, *parts: Node) -> Node:
    depth = 1 + max((part.depth for part in parts), default=0)
    if depth > MAX_DEPTH:
        raise ValidationFailed(f"An expression is nested deeper than {MAX_DEPTH}; split it.")
    return Node(kind, value, None, parts, depth)


def _nodes(items: _Items) -> list[Node]:
    return [item for item in items if isinstance(item, Node)]


class _Builder(Transformer[Token, Node]):
    """Builds nodes while parsing, bottom up, so that a deep source never recurses."""

    def or_(self, items: _Items) -> Node:
        return _node("or", None, *_nodes(items))

    def and_(self, items: _Items) -> Node:
        return _node("and", None, *_nodes(items))

    def not_(self, items: _Items) -> Node:
        return _node("not", None, *_nodes(items))

    def minus(self, items: _Items) -> Node:
        return _node("minus", None, *_nodes(items))

    def list_(self, items: _Items) -> Node:
        return _node("list", None, *_nodes(items))

    def binary(self, items: _Items) -> Node:
        return _node("binary", " ".join(str(items[1]).lower().split()), *_nodes(items))

    def number(self, items: _Items) -> Node:
        text = str(items[0])
        return _node("literal", bounded(int(text) if text.isdecimal() else float(text)))

    def string(self, items: _Items) -> Node:
        text = _ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[1]), str(items[0])[1:-1])
        return _node("text" if any(find(text)) else "literal", text)

    def constant(self, items: _Items) -> Node:
        return _node("literal", _CONSTANTS[str(items[0]).lower()])

    def token(self, items: _Items) -> Node:
        return Node("token", token=read_token(str(items[0])))

    def call(self, items: _Items) -> Node:
        name = str(items[0])
        arguments = _nodes(items)
        function = FUNCTIONS.get(name.lower())
        if function is None:
            raise ValidationFailed(f"There is no function {name}; use {', '.join(FUNCTIONS)}.")
        if not function.least <= len(arguments) <= function.most:
            raise ValidationFailed(
                f"{name} takes {function.least} to {function.most} values, not {len(arguments)}."
            )
        return _node("call", name.lower(), *arguments)


@lru_cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", transformer=_Builder())


@lru_cache(maxsize=2048)
def parse(source: str) -> Node:
    """Return the tree of an expression; raise ``ValidationFailed`` saying where it is wrong."""
    if len(source) > MAX_LENGTH:
        raise ValidationFailed(f"An expression is longer than {MAX_LENGTH} characters; shorten it.")
    if not source.strip():
        raise ValidationFailed("The expression is empty; write for example <start.input> == 1.")
    try:
        tree = _parser().parse(source)
    except UnexpectedInput as error:
        raise ValidationFailed(
            f"The expression cannot be read at character {error.column}: "
            f"{error.get_context(source, 20).splitlines()[0].strip()!r}. Use comparisons, and, or, "
            "not, in, contains, startsWith, endsWith, arithmetic, texts in quotes and references."
        ) from error
    except VisitError as error:
        raise _as_validation(error.orig_exc) from error
    if not isinstance(tree, Node):
        raise TypeError("the grammar let a bare token through")
    return tree


def _as_validation(error: Exception) -> ValidationFailed:
    if isinstance(error, ValidationFailed):
        return error
    return ValidationFailed(f"A value in the expression cannot be read: {error}.")


def evaluate(source: str, scope: Scope) -> JsonValue:
    """Return an expression's value; raise ``ValidationFailed`` when its operands do not fit."""
    return _Evaluation(scope).value(parse(source))


async def evaluate_aside(
    source: str, scope: Scope, workspace_id: str, wait_seconds: float = _WAIT_SECONDS
) -> JsonValue:
    """Evaluate as ``evaluate`` does; over large values in a thread, so that nobody else waits.

    Raises ``QueueTimedOut`` if no thread becomes free within ``wait_seconds``.
    """
    node = parse(source)
    if _is_light(node, scope):
        return _Evaluation(scope).value(node)
    loop = asyncio.get_running_loop()
    async with _slots.slot(workspace_id, wait_seconds):
        return await loop.run_in_executor(_threads, lambda: _Evaluation(scope).value(node))


def _is_light(root: Node, scope: Scope) -> bool:
    """Whether all values that an expression names, each time it does, are small together."""
    left, nodes = _LIGHT_BYTES, [root]
    while nodes and left >= 0:
        node = nodes.pop()
        nodes += node.parts
        tokens = [node.token] if node.token else []
        if node.kind == "text":
            tokens = list(find(node.value))
        for token in tokens:
            if isinstance(token, Reference):
                left -= measure_json(scope.lookup(token), max(0, left))
    return left >= 0


def truth(value: JsonValue) -> bool:
    """Whether a value counts as true: not null, false, zero, or empty."""
    return bool(value)


class _Evaluation:
    """One walk over a tree; ``and`` and ``or`` stop at the first side that decides."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._budget = Budget()
        self._texts = TextBudget()

    def value(self, node: Node) -> JsonValue:
        match node.kind:
            case "literal":
                return node.value
            case "text":
                text = as_text(resolve(f"{node.value}\u0000", self._scope, self._texts))[:-1]
                self._budget.spend(text)
                return text
            case "token":
                return self._lookup(node.token)
            case "or":
                return truth(self.value(node.parts[0])) or truth(self.value(node.parts[1]))
            case "and":
                return truth(self.value(node.parts[0])) and truth(self.value(node.parts[1]))
            case "not":
                return not truth(self.value(node.parts[0]))
            case _:
                return self._apply(node, list(self._values(node)))

    def _apply(self, node: Node, values: list[JsonValue]) -> JsonValue:
        self._budget.spend(*values)
        if node.kind == "list":
            return values
        if node.kind == "minus":
            return OPERATORS["-"](0, values[0])
        if node.kind == "call":
            return FUNCTIONS[str(node.value)].apply(*values)
        return OPERATORS[str(node.value)](values[0], values[1])

    def _values(self, node: Node) -> Iterator[JsonValue]:
        return (self.value(part) for part in node.parts)

    def _lookup(self, token: Reference | Secret | None) -> JsonValue:
        if isinstance(token, Secret):
            return self._scope.secret(token.name)
        return self._scope.lookup(token) if token else None
