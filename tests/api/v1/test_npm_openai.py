"""OpenAI's npm client against the real server."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import pytest

from core.config import Settings
from tests.api.conftest import Member
from tests.api.copilot.asking import use_model
from tests.javascript import install
from tests.stand_ins.openai import Reply, openai_stand_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not install.is_installed(),
        reason="the npm clients are not here: make socket-clients gets them",
    ),
]


def weather_model(request: dict[str, Any]) -> Reply:
    """Answer as a model that calls a tool when it is asked for one."""
    last = request["messages"][-1]
    if last["role"] == "tool":
        return Reply(f"It is {last['content']}.")
    if request.get("tools") and last["content"] == "tool":
        return Reply(calls=[("call_1", "get_weather", '{"city": "Oslo"}')])
    return Reply("A plain answer.")


async def test_npm_client_with_stream_and_tools_works(
    member: Member, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    url, key = f"{member.program.base_url}/api/v1", member.program.headers["x-api-key"]
    async with openai_stand_in() as model:
        use_model(monkeypatch, settings, model)
        model.script = weather_model
        told = await _run(url, key, "openai/stand-in")
    assert "nuxa/extractive" in told.pop("models")
    assert told.pop("total") > 0
    assert told == {
        "answer": "A plain answer.",
        "stream": "A plain answer.",
        "city": "Oslo",
        "final": "It is rain.",
    }


async def _run(url: str, key: str, model: str) -> dict[str, Any]:
    host = url.split("/")[2]
    folder = install.directory()
    script = folder / "openai.js"
    script.write_text((install.HERE / "openai.js").read_text())
    program = await asyncio.create_subprocess_exec(
        *(str(install.DENO), "run", "--no-remote", "--cached-only", f"--allow-net={host}"),
        *("--allow-env", "--allow-read", "--node-modules-dir=manual", str(script)),
        *(url, key, model),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "NO_COLOR": "1",
            "DENO_NO_UPDATE_CHECK": "1",
            "DENO_DIR": str(folder / "cache"),
        },
    )
    try:
        told, errors = await asyncio.wait_for(program.communicate(), 60)
    except TimeoutError:
        program.kill()
        told, errors = await program.communicate()
    assert program.returncode == 0, errors.decode()[-4000:]
    answer: dict[str, Any] = json.loads(told)
    return answer
