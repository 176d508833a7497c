"""The ``function`` block, in the real sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from core.config import get_settings
from core.errors import ValidationFailed
from core.sandbox.errors import CodeFailed
from core.sandbox.pool import Sandbox
from pipelines.blocks.function import Function, FunctionSettings, bind
from pipelines.scope import RunScope, by_socket
from tests.pipelines.shapes import context

AGENT = {"content": 'a "quoted" `text`\n</script>', "list": [1, {"x": 2}]}
SCOPE = RunScope({"n": 2}, {"KEY": "hidden"}, values=by_socket({"agent": AGENT}))


@dataclass
class _Services:
    sandbox: Sandbox


@pytest.fixture(scope="module")
async def services() -> AsyncIterator[_Services]:
    sandbox = Sandbox(get_settings())
    yield _Services(sandbox)
    await sandbox.close()


async def _run(services: _Services, **settings: Any) -> Any:
    given = replace(context(None, SCOPE, None), services=cast(Any, services))
    function = Function("f", "f", settings)
    return await function.execute(given, function.fit(function.resolve(settings, SCOPE)))


def test_values_stay_out_of_the_program() -> None:
    code, variables = bind("return <agent.content> + '<agent.content>' + {{KEY}}", SCOPE)
    assert code == "return ref_agent_content + ref_agent_content_text + secret_KEY"
    assert variables == {
        "ref_agent_content": AGENT["content"],
        "ref_agent_content_text": AGENT["content"],
        "secret_KEY": "hidden",
    }


@pytest.mark.parametrize(
    ("code", "bound"),
    [
        ("<Agent.list[1].x>", "ref_agent_list_1_x"),
        ("<agent.a-b> + <agent.a.b>", "ref_agent_a_b + ref_agent_a_b_2"),
        ("ref_agent_x = <agent.x>", "ref_agent_x = ref_agent_x_2"),
        ("<agent.x> + <agent.x>", "ref_agent_x + ref_agent_x"),
        ("'<agent.x>\"", "'ref_agent_x\""),
        ('f"<agent.x>"', 'f"ref_agent_x"'),
        ("a < b.c && d > e", "a < b.c && d > e"),
        ('"<agent.list>"', "ref_agent_list_text"),
    ],
)
def test_names(code: str, bound: str) -> None:
    assert bind(code, SCOPE)[0] == bound


def test_a_list_in_quotes_is_text() -> None:
    assert list(bind('"<agent.list>"', SCOPE)[1].values()) == ['[1, {"x": 2}]']


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(ValidationFailed, match="NOPE"):
        bind("return {{NOPE}}", SCOPE)


async def test_javascript(services: _Services) -> None:
    code = "console.log(<variable.n>); return {text: <agent.content>, x: <agent.list[1].x>}"
    assert await _run(services, code=code) == {
        "result": {"text": 'a "quoted" `text`\n</script>', "x": 2},
        "stdout": "2\n",
        "files": [],
    }


async def test_a_value_is_never_run(services: _Services) -> None:
    scope = SCOPE.with_values({"agent.content": '"; throw new Error("ran"); "'})
    code, variables = bind("return '<agent.content>'", scope)
    told = await services.sandbox.run(code, "javascript", variables)
    assert told.result == '"; throw new Error("ran"); "'


async def test_failure_names_the_line(services: _Services) -> None:
    with pytest.raises(CodeFailed, match="line 2, column"):
        await _run(services, code="let a = <agent.nothing>;\na.x.y")


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({}, "code"),
        ({"code": "1", "language": "ruby"}, "language"),
        ({"code": "1", "timeoutMs": 0}, "timeoutMs"),
        ({"code": "1", "timeoutMs": 10**9}, "timeoutMs"),
    ],
)
def test_problems(settings: dict[str, Any], wrong: str) -> None:
    assert [key for key, _ in Function.problems(settings)] == [wrong]


@pytest.mark.parametrize("code", ["[1, 2]", '{"a": 1}', "{ return 1 }"])
def test_code_that_looks_like_json_is_code(code: str) -> None:
    assert Function.fit(Function.resolve({"code": code}, SCOPE)).code == code


def test_defaults() -> None:
    assert Function.fit({"code": "1"}) == FunctionSettings(code="1", timeout_ms=10_000)
