"""/api-docs in a real browser that reaches this machine only: ``make test-browser``.

The browser is Debian's Chromium, driven by Playwright; without either the tests are skipped.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.api.conftest import Member

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

pytestmark = pytest.mark.browser
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_SECONDS = 30


@pytest.fixture
async def page(api_url: str) -> AsyncIterator[Page]:
    """A page of a browser that knows no names of hosts; it must ask our server alone for all that
    it needs, and find nothing to complain of."""
    driver = pytest.importorskip("playwright.async_api", reason="make test-browser gets Playwright")
    if _CHROMIUM is None:
        pytest.skip("no Chromium on this machine: make test-browser gets it")
    asked: list[str] = []
    complaints: list[str] = []
    async with driver.async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_CHROMIUM,
            args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        page = await browser.new_page(base_url=api_url)
        page.set_default_timeout(_SECONDS * 1000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        await page.goto("/api-docs")
        yield page
        await browser.close()
    assert all(url.startswith(f"{api_url}/") for url in asked)
    # What a call that was refused on purpose leaves in the console is none of the page's faults.
    assert [said for said in complaints if "401" not in said and "422" not in said] == []


async def _routes(anonymous: httpx.AsyncClient) -> set[str]:
    described = (await anonymous.get("/api/openapi.json")).json()["paths"]
    return {f"{method.upper()}{path}" for path, held in described.items() for method in held}


def _route(page: Page, method: str, path: str) -> Locator:
    one = page.locator(f'summary:has(code:text-is("{path}")):has(span.method.{method})')
    return page.locator("details").filter(has=one)


async def _sent(route: Locator) -> tuple[int, Any]:
    """Press the button; return the status and the JSON that the page then shows."""
    await route.get_by_role("button", name="Send").click()
    output = route.locator("form + pre")
    async with asyncio.timeout(_SECONDS):
        while True:
            head, _, body = str(await output.text_content()).partition("\n\n")
            with suppress(ValueError):  # the answer is on its way
                return int(head.split()[0]), json.loads(body)
            await asyncio.sleep(0.02)


async def test_every_route_is_listed_and_found_by_its_words(
    page: Page, anonymous: httpx.AsyncClient
) -> None:
    shown = page.locator("details > summary")
    await shown.first.wait_for()
    listed = await shown.evaluate_all(
        "nodes => nodes.map(n => n.querySelector('.method').innerText"
        " + n.querySelector('code').innerText)"
    )
    assert len(listed) == len(set(listed))
    assert set(listed) == await _routes(anonymous)
    await page.get_by_label("Find").fill("post /api/copilot")
    left = page.locator("details:visible > summary code")
    assert {path.split("/")[2] for path in await left.all_inner_texts()} == {"copilot"}


async def test_calls_are_sent_and_their_answers_shown(page: Page, member: Member) -> None:
    await page.get_by_label("API key").fill(member.program.headers["x-api-key"])
    create = _route(page, "POST", "/api/workflows")
    await create.locator("summary").click()
    await create.get_by_label("Body, as JSON").fill('{"name": "<b>From the page</b>"}')
    status, made = await _sent(create)
    assert status == 201
    kept = (await member.program.get(f"/api/workflows/{made['id']}")).json()
    assert kept["name"] == made["name"] == "<b>From the page</b>"
    listing = _route(page, "GET", "/api/workflows")
    await listing.locator("summary").click()
    await listing.get_by_label("limit").fill("1")
    status, found = await _sent(listing)
    assert status == 200
    assert [row["id"] for row in found["data"]] == [made["id"]]
    one = _route(page, "GET", "/api/workflows/{workflowId}")
    await one.locator("summary").click()
    await one.get_by_label("workflowId").fill(made["id"])
    assert await _sent(one) == (200, kept)


async def test_a_refusal_is_shown_as_it_came(page: Page) -> None:
    await page.get_by_label("API key").fill("nuxa_made-up")
    listing = _route(page, "GET", "/api/workflows")
    await listing.locator("summary").click()
    status, refused = await _sent(listing)
    assert (status, refused["error"]["code"]) == (401, "UNAUTHORIZED")
