"""The npm clients against the real server: the reference's examples as written, and yjs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.app import create_app
from core.config import Settings
from core.services import Services
from tests import voices
from tests.api.conftest import Member, serving
from tests.javascript import install
from tests.pipelines.editing.conftest import RAW

pytestmark = pytest.mark.skipif(
    not install.is_installed(),
    reason="the npm clients are not here: make socket-clients gets them",
)


@pytest.fixture
async def api(settings: Settings, services: Services) -> AsyncIterator[str]:
    async with serving(settings, create_app(settings)) as url:
        yield url


async def _workflow(member: Member) -> str:
    made = await member.program.post("/api/workflows", json={"name": "Shared", **RAW})
    return str(made.json()["id"])


async def test_the_references_examples_work_as_written(
    member: Member, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = voices.install(monkeypatch)
    voice.hears = ["When is the slipway closed?"]
    session = (await member.program.post("/api/voice/session", json={"channel": "web"})).json()
    names = {
        "[wss://app.nuxa.ai]": api.replace("http", "ws"),
        "[your_token]": member.program.headers["x-api-key"],
        "[wf_123]": await _workflow(member),
        "[block_456]": "t",
        "[sess_123]": session["id"],
    }
    text = (install.HERE / "reference.js").read_text()
    for name, value in names.items():
        assert name in text
        text = text.replace(name, value)
    script = install.directory() / f"{tmp_path.name}.js"
    script.write_text(text)
    try:
        await _run(script, api)
    finally:
        script.unlink()


async def test_yjs_is_in_step_with_the_record(member: Member, api: str, tmp_path: Path) -> None:
    script = install.directory() / f"{tmp_path.name}.js"
    script.write_text((install.HERE / "yjs.js").read_text())
    key, workflow_id = member.program.headers["x-api-key"], await _workflow(member)
    try:
        await _run(script, api, api, key, workflow_id)
    finally:
        script.unlink()


async def _run(script: Path, api: str, *arguments: str) -> None:
    host = api.split("//")[1]
    program = await asyncio.create_subprocess_exec(
        *(str(install.DENO), "run", "--no-remote", "--cached-only", f"--allow-net={host}"),
        *("--allow-env", "--allow-read", "--node-modules-dir=manual", str(script), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=install.directory(),
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1",
             "DENO_DIR": str(install.directory() / "cache")},
    )  # fmt: skip
    try:
        told, _ = await asyncio.wait_for(program.communicate(), 60)
    except TimeoutError:
        program.kill()
        told, _ = await program.communicate()
    assert program.returncode == 0, told.decode()[-4000:]
    assert "walked" in told.decode()
