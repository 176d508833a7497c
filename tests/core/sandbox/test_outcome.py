"""Frames as an interpreter may send them, honest or not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.sandbox.errors import CodeFailed, CodeMemoryExceeded, CodeOutputTooLarge, CodeTimedOut
from core.sandbox.limits import Limits
from core.sandbox.outcome import read_frame

LIMITS = Limits(result_depth=3)


def _read(**told: Any) -> Any:
    return read_frame(json.dumps(told).encode(), LIMITS, 1000)


def test_result() -> None:
    told = _read(kind="done", json_text='{"a": [1]}', stdout="x", ms=1.6)
    assert (told.result, told.stdout, told.duration_ms) == ({"a": [1]}, "x", 2)


@pytest.mark.parametrize(
    ("told", "error", "sentence"),
    [
        ({"kind": "time"}, CodeTimedOut, "1000 ms"),
        ({"kind": "memory"}, CodeMemoryExceeded, "256 MB"),
        ({"kind": "output", "message": "its result"}, CodeOutputTooLarge, "its result"),
        ({"kind": "failed", "message": "x", "traceback": ["line 1"]}, CodeFailed, r"x \(line 1\)"),
        ({"kind": "nonsense"}, CodeFailed, "broke into"),
        ({"kind": 1}, CodeFailed, "broke into"),
        ({"kind": "done", "json_text": "{"}, CodeFailed, "not JSON"),
        ({"kind": "done", "json_text": "[[[[1]]]]"}, CodeOutputTooLarge, "too deep"),
        ({"kind": "done", "json_text": "[" * 10**5 + "]" * 10**5}, CodeOutputTooLarge, "too deep"),
        (
            {
                "kind": "failed",
                "message": 'Requires net access to "a:1", run again with the --allow-net flag',
            },
            CodeFailed,
            r"the sandbox allows no net access\.$",
        ),
    ],
)
def test_errors(told: dict[str, Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        _read(**told)


def test_depth_is_allowed_up_to_the_limit() -> None:
    assert _read(kind="done", json_text="[[[1]]]").result == [[[1]]]


def test_what_was_printed_is_kept_with_the_error() -> None:
    with pytest.raises(CodeFailed) as caught:
        _read(kind="failed", message="x", traceback=["line 1"], stdout="so far")
    assert caught.value.details == {"traceback": ["line 1"], "stdout": "so far"}
