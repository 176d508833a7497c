"""What the sandbox's reader makes of a hostile interpreter and of hostile code."""

from __future__ import annotations

import asyncio
import json
import sys
import tracemalloc
from typing import Any

import pytest

from core.config import get_settings
from core.errors import NuxaError
from core.sandbox import guest as guest_module
from core.sandbox.errors import CodeFailed, CodeOutputTooLarge, CodeTimedOut
from core.sandbox.guest import Guest
from core.sandbox.install import find_deno
from core.sandbox.limits import RUNTIME, Limits
from core.sandbox.outcome import SandboxResult
from core.sandbox.pool import Sandbox

LIMITS = Limits(
    result_chars=1000,
    stdout_chars=100,
    printed_chars=100_000,
    message_chars=50,
    traceback_lines=3,
    traceback_chars=20,
)
_FAKE_INTERPRETER = """
import json, sys, time
out = sys.stdout.buffer
out.write(b"ready\\n")
out.flush()
request = json.loads(sys.stdin.buffer.readline())
mark = request["mark"].encode()

def send(**frame):
    text = json.dumps({"stdout": "", "ms": 1, **frame}, ensure_ascii=False)
    out.write(b"\\n" + mark + text.encode() + b"\\n")
    out.flush()

"""


async def _run(
    monkeypatch: pytest.MonkeyPatch, script: str, timeout_ms: int = 20_000
) -> SandboxResult:
    """Run a script in the place of the interpreter."""
    command = [sys.executable, "-c", _FAKE_INTERPRETER + script]
    monkeypatch.setattr(guest_module, "_command", lambda *_: command)
    guest = await Guest.start("javascript", LIMITS, find_deno(), None)
    try:
        async with asyncio.timeout(60):
            return await guest.run("", {}, timeout_ms)
    finally:
        await guest.end()


@pytest.mark.parametrize(
    "frame",
    [
        "kind='failed', message='x' * 28_000_000, traceback=[]",
        "kind='output', message='x' * 28_000_000",
        "kind='failed', message='x' * 51",
        "kind='output', message='x' * 51",
        "kind='failed', message='x', traceback=['line'] * 4",
        "kind='failed', message='x', traceback=['x' * 21]",
        "kind='failed', message='x', traceback=['x'] * 1_000_000",
        "kind='done', json_text='1', stdout='x' * 101",
        "kind='done', json_text='\"' + 'x' * 1000 + '\"'",
        "kind='done', json_text='[' * 101 + ']' * 101",
        "kind='done', json_text='1', more='x' * 28_000_000",
    ],
)
async def test_guest_run_with_oversized_field_raises_output_too_large(
    monkeypatch: pytest.MonkeyPatch, frame: str
) -> None:
    with pytest.raises(CodeOutputTooLarge) as caught:
        await _run(monkeypatch, f"send({frame})")
    assert len(caught.value.message) <= 400
    assert len(json.dumps(caught.value.details)) <= 4000


@pytest.mark.parametrize(
    "frame",
    [
        "kind='nonsense'",
        "kind='done', json_text='1', ms=float('inf')",
        "kind='done', json_text='1', ms=float('nan')",
        "kind='done', json_text='1', ms=-1",
        "kind='done', json_text='1', more='x'",
        "kind='done', json_text='NaN'",
        "kind='done', json_text='[-Infinity]'",
        "kind='done', json_text='{\"a\": [1e999]}'",
        "kind='failed', message=5",
        "kind='failed', message='x', traceback='x'",
        "kind='failed', message='x', traceback=[5]",
    ],
)
async def test_guest_run_with_malformed_field_raises_code_failed(
    monkeypatch: pytest.MonkeyPatch, frame: str
) -> None:
    with pytest.raises(CodeFailed):
        await _run(monkeypatch, f"send({frame})")


@pytest.mark.parametrize(
    "script",
    [
        "while True: out.write(b'x' * 65536)",
        "while True: out.write(b'x\\n' * 32768)",
        "while True: out.write(mark[:-1] + b'\\n')",
        "out.write(mark)\nwhile True: out.write(b'x' * 65536)",
    ],
)
async def test_guest_run_with_endless_output_stops_within_the_byte_budget(
    monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(CodeOutputTooLarge):
            await _run(monkeypatch, script)
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024**2
    finally:
        tracemalloc.stop()


async def test_guest_run_with_closed_output_ends_with_the_time_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = "import os\nos.close(1)\ntime.sleep(300)"
    with pytest.raises(CodeTimedOut):
        await _run(monkeypatch, script, timeout_ms=200)


async def test_guest_run_with_fields_at_their_limits_returns_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = "send(kind='done', json_text='\"' + '\"' * 0 + 'é' * 998 + '\"', stdout='\\x01' * 100)"
    outcome = await _run(monkeypatch, script)
    assert (outcome.result, outcome.stdout) == ("é" * 998, "\x01" * 100)


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        ("{kind: 'failed', message: 'x'.repeat(28e6), traceback: []}", CodeFailed),
        ("{kind: 'failed', message: 'x', traceback: Array(1e6).fill('line')}", CodeFailed),
        ("{kind: 'failed', message: 'x', traceback: ['y'.repeat(28e6)]}", CodeFailed),
        ("{kind: 'output', message: 'x'.repeat(28e6)}", CodeOutputTooLarge),
        ("{kind: 'done', json: 'x'.repeat(28e6)}", CodeOutputTooLarge),
        ("{kind: 'done', json: '1e999'}", CodeFailed),
        ("{kind: 'failed', message: {a: 1n}, more: 'x'.repeat(28e6)}", CodeFailed),
        ("{kind: 'whatever', stdout: 'x'.repeat(28e6)}", CodeFailed),
        ("null", CodeFailed),
    ],
)
async def test_sandbox_with_code_that_forges_outcomes_bounds_every_field(
    outcome: str, error: type[NuxaError]
) -> None:
    sandbox = Sandbox(get_settings())
    code = f"""
        const {{ tell }} = await import("file://{RUNTIME}/guest.js");
        tell({outcome});
        await new Promise(() => {{}});
    """
    try:
        with pytest.raises(error) as caught:
            await sandbox.run(code, "javascript", {}, 20_000)
    finally:
        await sandbox.close()
    told: Any = caught.value
    assert len(told.message) <= 5000
    assert len(json.dumps(told.details)) <= 20_000
