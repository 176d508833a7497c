"""What the operators and functions of expressions do to values; all pure, all bounded."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import JsonValue

from core.errors import ValidationFailed
from core.json_values import measure_json, require_depth
from pipelines.references import MAX_TEXT, as_text

MAX_NUMBER = 2**63
TEXT_BUDGET = 20_000_000  # bytes that all operations of one evaluation may look at
SECONDS = 0.5  # of a processor's time for one evaluation

Number = int | float
Operator = Callable[[JsonValue, JsonValue], JsonValue]


class Budget:
    """Counts what an evaluation looks at, and its thread's time, so that a short source cannot
    work for long."""

    def __init__(self) -> None:
        self._left = TEXT_BUDGET
        self._deadline = time.thread_time() + SECONDS

    def spend(self, *values: JsonValue) -> None:
        for value in values:
            self._left -= measure_json(value, max(0, self._left))
        if self._left < 0:
            raise ValidationFailed(
                "The expression works on too much text; refer to smaller parts of the values."
            )
        if time.thread_time() > self._deadline:
            raise ValidationFailed(
                f"The expression takes longer than {SECONDS} s; refer to smaller parts of values."
            )


@dataclass(frozen=True)
class Function:
    least: int
    most: int
    apply: Callable[..., JsonValue]


def _kind(value: JsonValue) -> str:
    names = {str: "text", bool: "true or false", list: "list", dict: "object", type(None): "empty"}
    return names.get(type(value), "number")


def _number(value: JsonValue) -> Number | None:
    """Return a number, or a text that spells one, as a number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(value) if value.strip().lstrip("+-").isdecimal() else number


def bounded(number: Number) -> Number:
    """Return the number; raise ``ValidationFailed`` beyond 2^63."""
    if abs(number) > MAX_NUMBER or not math.isfinite(number):
        raise ValidationFailed("A number in the expression grows beyond 2^63; scale it down.")
    return number


def _arithmetic(sign: str, work: Callable[[Number, Number], Number]) -> Operator:
    def apply(left: JsonValue, right: JsonValue) -> JsonValue:
        a, b = _number(left), _number(right)
        if a is None or b is None:
            raise ValidationFailed(
                f"{sign} needs numbers, not {_kind(left)} and {_kind(right)}; use number(…)."
            )
        if sign in "/%" and b == 0:
            raise ValidationFailed(f"{sign} divides by zero; test the divisor first.")
        return bounded(work(bounded(a), bounded(b)))

    return apply


def _add(left: JsonValue, right: JsonValue) -> JsonValue:
    if isinstance(left, str) or isinstance(right, str):
        joined = as_text(left) + as_text(right)
        if len(joined) > MAX_TEXT:
            raise ValidationFailed(f"A text grows beyond {MAX_TEXT} characters; join less.")
        return joined
    return _arithmetic("+", lambda a, b: a + b)(left, right)


def _equal(left: JsonValue, right: JsonValue) -> bool:
    """Loose equality: a number equals the text that spells it."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) or isinstance(right, int | float):
        a, b = _number(left), _number(right)
        return a is not None and a == b
    return left == right


def _same(left: JsonValue, right: JsonValue) -> bool:
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    booleans = isinstance(left, bool) or isinstance(right, bool)
    return (left == right) if (numbers and not booleans) or type(left) is type(right) else False


def _order(work: Callable[[float], bool]) -> Operator:
    """Compare as numbers when both sides are, else as texts; what is empty has no order."""

    def apply(left: JsonValue, right: JsonValue) -> JsonValue:
        if left is None or right is None:
            return False
        a, b = _number(left), _number(right)
        if a is not None and b is not None:
            return work((a > b) - (a < b))
        if isinstance(left, str) and isinstance(right, str):
            return work((left > right) - (left < right))
        raise ValidationFailed(f"{_kind(left)} and {_kind(right)} have no order; compare alike.")

    return apply


def _contains(whole: JsonValue, part: JsonValue) -> bool:
    if isinstance(whole, str):
        return as_text(part) in whole
    if isinstance(whole, list):
        return any(_equal(item, part) for item in whole)
    return isinstance(whole, dict) and isinstance(part, str) and part in whole


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "==": _equal,
        "!=": lambda a, b: not _equal(a, b),
        "===": _same,
        "!==": lambda a, b: not _same(a, b),
        "<": _order(lambda sign: sign < 0),
        ">": _order(lambda sign: sign > 0),
        "<=": _order(lambda sign: sign <= 0),
        ">=": _order(lambda sign: sign >= 0),
        "in": lambda a, b: _contains(b, a),
        "not in": lambda a, b: not _contains(b, a),
        "contains": _contains,
        "startswith": lambda a, b: as_text(a).startswith(as_text(b)),
        "endswith": lambda a, b: as_text(a).endswith(as_text(b)),
        "+": _add,
        "-": _arithmetic("-", lambda a, b: a - b),
        "*": _arithmetic("*", lambda a, b: a * b),
        "/": _arithmetic("/", lambda a, b: a / b),
        "%": _arithmetic("%", lambda a, b: a % b),
    }
)


def _length(value: JsonValue) -> JsonValue:
    return len(value) if isinstance(value, str | list | dict) else len(as_text(value))


def _to_number(value: JsonValue) -> JsonValue:
    number = int(value) if isinstance(value, bool) else _number(value)
    if number is None:
        raise ValidationFailed(f"number(…) cannot read {as_text(value)[:40]!r} as a number.")
    return number


def _round(value: JsonValue, digits: JsonValue = 0) -> JsonValue:
    places = _number(digits)
    if places is None or not 0 <= places <= 15:
        raise ValidationFailed("round(…) takes 0 to 15 digits.")
    number = _to_number(value)
    return round(float(str(number)), int(places)) if places else round(float(str(number)))


def _from_json(value: JsonValue) -> JsonValue:
    try:
        read: JsonValue = json.loads(as_text(value))
    except (ValueError, RecursionError) as error:
        raise ValidationFailed("json(…) was given a text that is no JSON.") from error
    require_depth(read)
    return read


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "length": Function(1, 1, _length),
        "lower": Function(1, 1, lambda value: as_text(value).lower()),
        "upper": Function(1, 1, lambda value: as_text(value).upper()),
        "trim": Function(1, 1, lambda value: as_text(value).strip()),
        "text": Function(1, 1, as_text),
        "number": Function(1, 1, _to_number),
        "round": Function(1, 2, _round),
        "json": Function(1, 1, _from_json),
        "empty": Function(1, 1, lambda value: value in (None, "", [], {})),
        "default": Function(2, 2, lambda value, other: other if value in (None, "") else value),
    }
)
