"""The reference's browser lines in Chromium, from a page of another origin."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.app import create_app
from core.config import Settings
from tests.api.conftest import Member, serving
from tests.javascript import install
from tests.pipelines.editing.conftest import RAW

pytestmark = pytest.mark.browser
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_BUNDLE = Path("node_modules/socket.io-client/dist/socket.io.min.js")

FETCH = """async ([url, key]) => {
  const answer = await fetch(`${url}/api/v1/workflows`, { headers: { 'x-api-key': key } })
  return [answer.status, answer.headers.get('X-RateLimit-Limit') !== null]
}"""
EXECUTE = """async ([url, key, id]) => {
  const answer = await fetch(`${url}/api/v1/workflows/${id}/execute`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ input: { message: 'Hello' } })
  })
  return [answer.status, answer.headers.get('X-Execution-Id') !== null]
}"""
SOCKET = """async ([url, key, id]) => {
  const socket = io(url, { auth: { token: key } })
  const joined = await new Promise((resolve, reject) => {
    socket.on('connect_error', (error) => reject(error))
    socket.on('connect', () => socket.emit('workflow:join', { workflowId: id }, resolve))
  })
  socket.disconnect()
  return joined
}"""


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    """Another site: an empty page at a port of its own."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
        writer.write(f"{head}<!doctype html><title>Another site</title>".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("is_listed", [True, False])
async def test_reference_lines_from_another_origin_work_where_it_is_listed(
    settings: Settings, member: Member, origin: str, is_listed: bool
) -> None:
    driver = pytest.importorskip("playwright.async_api", reason="make test-browser gets Playwright")
    if _CHROMIUM is None:
        pytest.skip("no Chromium on this machine: make test-browser gets it")
    if not install.is_installed():
        pytest.skip("the npm clients are not here: make socket-clients gets them")
    origins = origin if is_listed else "https://app.example"
    listed = settings.model_copy(update={"cors_origins": origins})
    made = await member.program.post("/api/workflows", json={"name": "Shared", **RAW})
    key, workflow_id = member.program.headers["x-api-key"], made.json()["id"]
    deployed = await member.browser.post(f"/api/workflows/{workflow_id}/deploy", json={})
    assert deployed.status_code < 300, deployed.text
    async with (
        serving(listed, create_app(listed)) as url,
        driver.async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=_CHROMIUM)
        page = await browser.new_page()
        await page.goto(origin)
        await page.add_script_tag(path=install.directory() / _BUNDLE)
        if is_listed:
            assert await page.evaluate(FETCH, [url, key]) == [200, True]
            status, has_id = await page.evaluate(EXECUTE, [url, key, workflow_id])
            assert (status, has_id) == (200, True)
            joined = await page.evaluate(SOCKET, [url, key, workflow_id])
            assert (joined["ok"], joined["workflow"]["id"]) == (True, workflow_id)
        else:
            for lines in (FETCH, EXECUTE, SOCKET):
                with pytest.raises(driver.Error):
                    await page.evaluate(lines, [url, key, workflow_id])
        await browser.close()
