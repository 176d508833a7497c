"""Reads the frame in which an interpreter tells how the code ended."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, JsonValue, ValidationError

from core.sandbox.errors import CodeFailed, CodeMemoryExceeded, CodeOutputTooLarge, CodeTimedOut
from core.sandbox.limits import Limits

_REFUSED: Final = re.compile(r"Requires (\w+) access[^,]*(?:, run again with the --[\w-]+ flag)?")


@dataclass(frozen=True)
class SandboxResult:
    """What the code gave, what it printed (cut to ``Limits.stdout_chars``), how long it ran."""

    result: JsonValue
    stdout: str
    duration_ms: int


class _Frame(BaseModel):
    kind: str
    stdout: str = ""
    ms: float = 0
    json_text: str = "null"
    message: str = ""
    traceback: list[str] = []


def read_frame(frame: bytes, limits: Limits, timeout_ms: int) -> SandboxResult:
    """Return a run's result, or raise the error that the frame tells of."""
    try:
        told = _Frame.model_validate_json(frame)
    except ValidationError as error:
        raise CodeFailed(
            "The code broke into the interpreter's answer; leave its streams alone."
        ) from error
    if told.kind == "done":
        return SandboxResult(_result(told.json_text, limits), told.stdout, round(told.ms))
    details: dict[str, Any] = {"traceback": told.traceback, "stdout": told.stdout}
    if told.kind == "time":
        raise CodeTimedOut(
            f"The code ran longer than {timeout_ms} ms; do less, or raise timeoutMs.", details
        )
    if told.kind == "memory":
        raise memory_exceeded(limits, details)
    if told.kind == "output":
        raise output_too_large(told.message, limits, details)
    raise CodeFailed(_sentence(told), details)


def memory_exceeded(limits: Limits, details: dict[str, Any] | None = None) -> CodeMemoryExceeded:
    """Return the error of code that took too much memory."""
    most = limits.memory_bytes // 1024**2
    return CodeMemoryExceeded(
        f"The code took more than {most} MB of memory; work on less at a time.", details
    )


def output_too_large(
    what: str, limits: Limits, details: dict[str, Any] | None = None
) -> CodeOutputTooLarge:
    """Return the error of code that gives more than we keep."""
    return CodeOutputTooLarge(
        f"The code gives too much: {what}. A result may have {limits.result_chars} characters of "
        f"JSON nested {limits.result_depth} deep, the output {limits.printed_chars} characters.",
        details,
    )


def _result(text: str, limits: Limits) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except RecursionError:
        raise output_too_large("its result is nested too deep", limits) from None
    except ValueError as error:
        raise CodeFailed(f"The code's result is not JSON ({error}); return JSON.") from error
    if _is_deeper(value, limits.result_depth):
        raise output_too_large("its result is nested too deep", limits)
    return value


def _is_deeper(value: JsonValue, most: int) -> bool:
    level = [value]
    for _ in range(most + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, list | dict)
            for inner in (outer if isinstance(outer, list) else outer.values())
        ]
        if not level:
            return False
    return True


def _sentence(told: _Frame) -> str:
    message = _REFUSED.sub(r"the sandbox allows no \1 access", told.message)
    place = f" ({told.traceback[0]})" if told.traceback else ""
    return f"The code failed: {message}{place}."
