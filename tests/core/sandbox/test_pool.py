"""What code gets and gives, and how a pool keeps its processes."""

from __future__ import annotations

import asyncio
import time

import pytest

from core.config import Settings, get_settings
from core.errors import ValidationFailed
from core.sandbox.errors import CodeFailed, CodeTimedOut, LanguageUnavailable
from core.sandbox.pool import Sandbox
from tests.core.sandbox.conftest import LIMITS


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("return a + b.length", 3),
        ("return inputs['not a name']", "x"),
        ("const a = 5; return a", 5),
        ("count = 2; return count", 2),
        ("return await Promise.resolve({x: [1, null, 'é']})", {"x": [1, None, "é"]}),
        ("", None),
        ("return undefined", None),
        ("return new Date(0)", "1970-01-01T00:00:00.000Z"),
        ("return 1 // the end", 1),
        ("return typeof class_", "undefined"),
        ("await new Promise((go) => setTimeout(go, 5)); return 1", 1),
        ("return crypto.randomUUID().length", 36),
    ],
)
async def test_javascript(sandbox: Sandbox, code: str, result: object) -> None:
    inputs = {"a": 1, "b": [1, 2], "not a name": "x", "class": 3}
    assert (await sandbox.run(code, "javascript", inputs)).result == result


async def test_what_is_printed(sandbox: Sandbox) -> None:
    told = await sandbox.run(
        "console.log('a', {b: 1}); console.error('c'); console.table?.([1])", "javascript", {}
    )
    assert told.stdout == "a { b: 1 }\nc\n[ 1 ]\n"
    assert told.duration_ms >= 0


async def test_what_is_printed_is_cut(sandbox: Sandbox) -> None:
    told = await sandbox.run("console.log('x'.repeat(5000)); return 1", "javascript", {})
    assert (told.stdout, told.result) == ("x" * LIMITS.stdout_chars, 1)


@pytest.mark.parametrize("printed", [f"'x'.repeat({LIMITS.stdout_chars - 1}) + '😀'", r"'\ud800'"])
async def test_run_that_prints_half_a_character_returns_its_result(
    sandbox: Sandbox, printed: str
) -> None:
    told = await sandbox.run(f"console.log({printed}); return 1", "javascript", {})
    assert told.result == 1
    assert "\ufffd" in told.stdout


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("let x = 1;\nx.foo.bar()", "line 2, column 7"),
        ("const f = () => {\n  throw new Error('x');\n};\nf()", "line 2, column 9"),
        ("let x = 1;\n\nlet y = ;", "line 3, column 9"),
    ],
)
async def test_javascript_tells_the_place(sandbox: Sandbox, code: str, place: str) -> None:
    with pytest.raises(CodeFailed) as caught:
        await sandbox.run(code, "javascript", {})
    assert caught.value.details["traceback"][0] == place
    assert place in caught.value.message


async def test_time_out_keeps_what_was_printed(sandbox: Sandbox) -> None:
    with pytest.raises(CodeTimedOut) as caught:
        await sandbox.run("console.log('so far'); for (;;);", "javascript", {}, 300)
    assert caught.value.details["stdout"] == "so far\n"


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("def main(a, b) -> dict:\n    return {'sum': a + len(b)}", {"sum": 3}),
        ("async def main(**all):\n    return sorted(all)", ["a", "b"]),
        ("if a:\n    return {'x': inputs['a']}", {"x": 1}),
        ("import math\nresult = math.floor(2.5)", 2),
        ("import asyncio\nawait asyncio.sleep(0.01)\na + 1", 2),
    ],
)
async def test_python(python_sandbox: Sandbox, code: str, result: object) -> None:
    told = await python_sandbox.run(code, "python", {"a": 1, "b": [1, 2]})
    assert (told.result, told.stdout) == (result, "")


async def test_python_starts_afresh(python_sandbox: Sandbox) -> None:
    code = "import random, builtins\nprint(hasattr(builtins, 'left'))\nbuiltins.left = 1\n"
    told = [await python_sandbox.run(code + "random.random()", "python", {}) for _ in range(2)]
    assert [one.stdout for one in told] == ["False\n", "False\n"]
    assert told[0].result != told[1].result  # the snapshot's random state is not used


async def test_python_tells_the_place(python_sandbox: Sandbox) -> None:
    code = "def f():\n    return 1 / 0\n\nprint('before')\nf()"
    with pytest.raises(CodeFailed, match="ZeroDivisionError") as caught:
        await python_sandbox.run(code, "python", {})
    assert caught.value.details["traceback"] == [
        "line 2, in f: return 1 / 0",
        "line 5, in <module>: f()",
    ]
    assert caught.value.details["stdout"] == "before\n"


@pytest.mark.parametrize(
    ("code", "inputs", "timeout_ms"),
    [
        ("return 1", {"a": float("nan")}, 100),
        ("return 1", {"a": "x" * (LIMITS.inputs_chars + 1)}, 100),
        ("x" * (LIMITS.code_chars + 1), {}, 100),
        ("return 1", {}, 0),
        ("return 1", {}, 10**9),
    ],
)
async def test_refuses(sandbox: Sandbox, code: str, inputs: dict, timeout_ms: int) -> None:
    with pytest.raises(ValidationFailed):
        await sandbox.run(code, "javascript", inputs, timeout_ms)


async def test_python_that_is_not_installed(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    bare = Sandbox(Settings(data_dir=tmp_path))
    with pytest.raises(LanguageUnavailable, match="python -m core"):
        await bare.run("1", "python", {})
    assert (await bare.run("return 1", "javascript", {})).result == 1
    await bare.close()


async def test_cancelling_kills() -> None:
    pool = Sandbox(get_settings(), LIMITS)
    await pool.warm("javascript")
    guest = pool._spares["javascript"][0].result()
    running = asyncio.create_task(pool.run("for (;;);", "javascript", {}, 60_000))
    await asyncio.sleep(0.2)
    assert guest.is_alive
    running.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not guest.is_alive
    assert time.monotonic() - began < 5  # at once, not at the end of its time
    await pool.close()


async def test_runs_at_once_wait_for_a_turn() -> None:
    pool = Sandbox(get_settings(), LIMITS, concurrent=2)
    code = "await new Promise((go) => setTimeout(go, 50)); return n"
    told = await asyncio.gather(*(pool.run(code, "javascript", {"n": n}, 20_000) for n in range(6)))
    assert [one.result for one in told] == list(range(6))
    await pool.close()
    assert not any(pool._spares.values())


async def test_a_spare_that_died_is_replaced() -> None:
    pool = Sandbox(get_settings(), LIMITS)
    await pool.warm("javascript")
    for spare in pool._spares["javascript"]:
        await spare.result().end()
    assert (await pool.run("return 1", "javascript", {})).result == 1
    await pool.close()
