"""JSON Schemas that others wrote, held against values safely.

``jsonschema`` by itself fetches a reference to elsewhere, past the guarded client, and matches a
pattern or follows references for as long as they take. Here nothing is fetched, and all of it
together has a second of the thread's time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from typing import Any, Final

import jsonschema
import regex
from jsonschema.validators import Draft202012Validator, extend, validator_for
from referencing.exceptions import Unresolvable
from referencing.jsonschema import EMPTY_REGISTRY

from core.errors import ValidationFailed

SECONDS: Final = 1.0
_deadline: Final[ContextVar[float]] = ContextVar("deadline")
# Together they have ``jsonschema`` match patterns outside the keywords that are replaced here.
_UNTIMED: Final = frozenset({"patternProperties", "unevaluatedProperties"})
_Errors = Iterator[jsonschema.ValidationError]


class SchemaUnusable(ValidationFailed):
    """No value can be held against a schema; the message says why, as a half sentence."""


def misfit(schema: dict[str, Any], value: Any) -> jsonschema.ValidationError | None:
    """Return the first thing in which a value does not fit a schema; None where it fits.

    ``$schema`` says which draft it is of, 2020-12 where it does not. Nothing waits here, so that
    async callers give it a thread for the second that it may take. Raises ``SchemaUnusable``.
    """
    if _words(schema) >= _UNTIMED:
        raise SchemaUnusable(f"it has both {' and '.join(sorted(_UNTIMED))}; leave one away")
    _deadline.set(time.thread_time() + SECONDS)
    known = validator_for(schema, default=Draft202012Validator)
    try:
        known.check_schema(schema)
        return next(_bounded(known)(schema, registry=EMPTY_REGISTRY).iter_errors(value), None)
    except jsonschema.SchemaError as error:
        raise SchemaUnusable(f"it is no JSON Schema: {error.message}") from error
    except Unresolvable as error:
        raise SchemaUnusable(f"it refers to {error.ref}, which is not in it") from error
    except RecursionError as error:
        raise SchemaUnusable("it refers to itself without end") from error
    except regex.error as error:
        raise SchemaUnusable(f"a pattern cannot be read: {error}") from error
    except TimeoutError as error:
        raise SchemaUnusable(
            f"it takes longer than {SECONDS:g} s; write patterns without nested repeats"
        ) from error


def _words(schema: Any) -> set[str]:
    """Return every key in a schema, however deep."""
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            found |= item.keys()
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return found


@cache
def _bounded(known: Any) -> Any:
    """Return a draft's validator whose keywords that take long look at the time."""
    referring = ("$ref", "$dynamicRef", "$recursiveRef")
    own = {name: _in_time(known.VALIDATORS[name]) for name in referring if name in known.VALIDATORS}
    own |= {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    return extend(known, own)  # type: ignore[no-untyped-call]


def _seconds_left() -> float:
    left = _deadline.get() - time.thread_time()
    if left <= 0:
        raise TimeoutError
    return left


def _in_time(call: Any) -> Any:
    def keyword(validator: Any, given: Any, instance: Any, schema: Any) -> _Errors:
        _seconds_left()
        yield from call(validator, given, instance, schema)

    return keyword


def _occurs(pattern: str, text: str) -> bool:
    return regex.search(pattern, text, timeout=_seconds_left()) is not None


def _pattern(validator: Any, pattern: str, instance: Any, _: Any) -> _Errors:
    if validator.is_type(instance, "string") and not _occurs(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, _: Any) -> _Errors:
    if not validator.is_type(instance, "object"):
        return
    for pattern, schema in patterns.items():
        for key in (key for key in instance if _occurs(pattern, key)):
            yield from validator.descend(instance[key], schema, path=key, schema_path=pattern)


def _additional_properties(validator: Any, given: Any, instance: Any, schema: Any) -> _Errors:
    if not validator.is_type(instance, "object"):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for key in (key for key in instance if key not in named):
        if any(_occurs(pattern, key) for pattern in patterns):
            continue
        if given is False:
            yield jsonschema.ValidationError(f"{key!r} is none of the properties there may be")
        else:
            yield from validator.descend(instance[key], given, path=key)
