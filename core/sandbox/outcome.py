"""Reads the frame in which an interpreter tells how the code ended."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from core.sandbox.errors import CodeFailed, CodeMemoryExceeded, CodeOutputTooLarge, CodeTimedOut
from core.sandbox.limits import Limits

_REFUSED: Final = re.compile(r"Requires (\w+) access[^,]*(?:, run again with the --[\w-]+ flag)?")


_NAME: Final = re.compile(r"[\w][\w .()+-]{0,99}")


@dataclass(frozen=True)
class SandboxFile:
    """A file that the code is given, or that it left in its ``outputs`` directory."""

    name: str
    content: bytes


@dataclass(frozen=True)
class SandboxResult:
    """What the code gave, what it printed (cut to ``Limits.stdout_chars``), how long it ran."""

    result: JsonValue
    stdout: str
    duration_ms: int
    files: tuple[SandboxFile, ...] = ()


class _FrameFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    content: Base64Bytes


class _Frame(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["done", "time", "memory", "output", "failed"]
    stdout: str = ""
    ms: float = Field(0, ge=0, allow_inf_nan=False)
    json_text: str = "null"
    message: str = ""
    traceback: list[str] = []
    files: list[_FrameFile] = []


def read_frame(frame: bytes, limits: Limits, timeout_ms: int) -> SandboxResult:
    """Return a run's result, or raise the error that the frame tells of."""
    try:
        told = _Frame.model_validate_json(frame)
    except ValidationError as error:
        raise CodeFailed(
            "The code broke into the interpreter's answer; leave its streams alone."
        ) from error
    if not _fits(told, limits):
        raise output_too_large("what its interpreter reports", limits)
    if told.kind == "done":
        result = _result(told.json_text, limits)
        return SandboxResult(result, told.stdout, round(told.ms), _files(told, limits))
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
        f"JSON nested {limits.result_depth} deep, the output {limits.printed_chars} characters, "
        f"outputs/ {limits.output_files} files of {limits.output_file_bytes} bytes in all.",
        details,
    )


def _fits(frame: _Frame, limits: Limits) -> bool:
    lines = frame.traceback
    return (
        len(frame.stdout) <= limits.stdout_chars
        and len(frame.json_text) <= limits.result_chars
        and len(frame.message) <= limits.message_chars
        and len(lines) <= limits.traceback_lines
        and all(len(line) <= limits.traceback_chars for line in lines)
    )


def _files(frame: _Frame, limits: Limits) -> tuple[SandboxFile, ...]:
    files = tuple(SandboxFile(file.name, file.content) for file in frame.files)
    size = sum(len(file.content) for file in files)
    if len(files) > limits.output_files or size > limits.output_file_bytes:
        raise output_too_large("its files in outputs/", limits)
    for file in files:
        check_name(file.name)
    return files


def check_name(name: str) -> None:
    """Raise ``CodeFailed`` unless this is the bare name of a file."""
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise CodeFailed(
            f"{name[:60]!r} is no file name; use up to 100 letters, digits, spaces, dots or dashes."
        )


def _result(text: str, limits: Limits) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except RecursionError:
        raise output_too_large("its result is nested too deep", limits) from None
    except ValueError as error:
        raise CodeFailed(f"The code's result is not JSON ({error}); return JSON.") from error
    _check(value, limits)
    return value


def _check(value: JsonValue, limits: Limits) -> None:
    """Refuse numbers that are no JSON and values that are nested too deep."""
    level = [value]
    for _ in range(limits.result_depth + 1):
        if any(isinstance(item, float) and not math.isfinite(item) for item in level):
            raise CodeFailed("The code's result has a number that is not finite; return JSON.")
        containers = [item for item in level if isinstance(item, list | dict)]
        if not containers:
            return
        level = [
            inner
            for outer in containers
            for inner in (outer if isinstance(outer, list) else outer.values())
        ]
    raise output_too_large("its result is nested too deep", limits)


def _sentence(told: _Frame) -> str:
    message = _REFUSED.sub(r"the sandbox allows no \1 access", told.message)
    place = f" ({told.traceback[0]})" if told.traceback else ""
    return f"The code failed: {message}{place}."
