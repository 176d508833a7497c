"""The page works without any other host."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

PAGE = Path(__file__).resolve().parents[3] / "api" / "openapi" / "page"


async def test_the_page_brings_all_it_needs_and_allows_no_more(
    anonymous: httpx.AsyncClient,
) -> None:
    page = await anonymous.get("/api-docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    needed = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert sorted(needed) == ["/api-docs/page.css", "/api-docs/page.js", "/api/openapi.json"]
    for path in needed:
        assert (await anonymous.get(path)).status_code == 200
    script = (await anonymous.get("/api-docs/page.js")).text
    assert "innerHTML" not in script
    assert not re.search(r"https?://", page.text + script)


def test_the_script_can_be_read() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine to read the script with")
    subprocess.run([node, "--check", PAGE / "page.js"], check=True, capture_output=True)
