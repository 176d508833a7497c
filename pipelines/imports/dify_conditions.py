"""Dify's conditions as expressions of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipelines.imports.dify_references import References

# {a} is what is looked at, {b} what it is compared with.
_OPERATORS: Final = {
    "contains": "{a} contains {b}",
    "not contains": "not ({a} contains {b})",
    "start with": "{a} startsWith {b}",
    "end with": "{a} endsWith {b}",
    "is": "{a} == {b}",
    "is not": "{a} != {b}",
    "=": "{a} == {b}",
    "≠": "{a} != {b}",
    ">": "{a} > {b}",
    "<": "{a} < {b}",
    "≥": "{a} >= {b}",
    "≤": "{a} <= {b}",
    "empty": "not {a}",
    "not empty": "not not {a}",
    "null": "{a} == null",
    "not null": "{a} != null",
    "exists": "{a} != null",
    "not exists": "{a} == null",
}
_NUMERIC: Final = ("=", "≠", ">", "<", "≥", "≤")


def cases_of(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the cases of an if-else; older files have one, without a list."""
    cases = data.get("cases")
    return cases if isinstance(cases, list) else [{**data, "case_id": "true"}]


def expression(case: Mapping[str, Any], references: References) -> str | None:
    """Return a case as one expression; None where an operator has no counterpart."""
    parts = [_part(condition, references) for condition in case.get("conditions") or []]
    told = [part for part in parts if part]
    if not told or len(told) < len(parts):
        return None
    return f" {case.get('logical_operator') or 'and'} ".join(f"({part})" for part in told)


def _part(condition: Mapping[str, Any], references: References) -> str | None:
    operator = str(condition.get("comparison_operator"))
    token = references.token(condition.get("variable_selector") or [])
    if operator not in _OPERATORS or not token:
        return None
    return _OPERATORS[operator].format(a=token, b=_value(condition, operator, references))


def _value(condition: Mapping[str, Any], operator: str, references: References) -> str:
    value = condition.get("value")
    if isinstance(value, bool):
        return str(value).lower()
    text = references.text(value)
    is_number = text.replace(".", "", 1).lstrip("-").isdecimal()
    if isinstance(value, int | float) or (operator in _NUMERIC and is_number):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
