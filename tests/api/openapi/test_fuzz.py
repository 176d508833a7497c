"""Generated requests to every route: no server error, and no answer that is not described.

``NUXA_FUZZ_SECONDS`` says how long (``make fuzz``: 20 minutes); the default run is short.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from api.access import SESSION_COOKIE
from copilot.voice import sessions
from core.config import Settings
from tests.api.conforms import document
from tests.api.conftest import Member

SECONDS: Final = int(os.environ.get("NUXA_FUZZ_SECONDS", "16"))
# These would end the run's own session or workspace.
SUICIDAL: Final = ("logout", "endSession", "deleteWorkspace", "deleteAccount")
NOT_CHECKED: Final = (
    # JSON Schema cannot say everything: a graph without cycles, an address that is public.
    "positive_data_acceptance",
    # It sends one wrong credential beside a right one; api.matrix tries them one by one.
    "ignored_auth",
    # /api/files/upload is also a file of the id upload, whose methods a 405 lists as well.
    "allow_header_conformance",
)


@pytest.mark.timeout(SECONDS * 2 + 120)
@pytest.mark.parametrize("way", ["key", "cookie"])
async def test_no_generated_request_breaks_what_the_description_says(
    way: str, member: Member, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "anonymous_requests_per_minute", -1)
    monkeypatch.setattr(sessions, "require_speech", lambda *_: None)  # else a 503, as foreseen
    url = str(member.program.base_url).rstrip("/")
    while not (await member.browser.get("/api/health/ready")).is_success:
        await asyncio.sleep(0.2)  # a service that still starts answers 503 to some routes
    described = tmp_path / "openapi.json"
    described.write_text(json.dumps(_without_workspaces(document())))
    (tmp_path / "schemathesis.toml").write_text(
        f'[parameters]\n"path.workspaceId" = "{member.workspace_id}"\n'
    )
    key = f"x-api-key: {member.program.headers['x-api-key']}"
    cookie = f"Cookie: {SESSION_COOKIE}={member.browser.cookies[SESSION_COOKIE]}"
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", str(described), "--url", url),
        *("--header", key if way == "key" else cookie),
        *("--checks", "all", "--exclude-checks", ",".join(NOT_CHECKED)),
        *("--max-time", str(SECONDS // 2), "--request-timeout", "20", "--continue-on-failure"),
        *(part for name in SUICIDAL for part in ("--exclude-operation-id", name)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    told, _ = await program.communicate()
    assert program.returncode == 0, told.decode()[-20_000:]


def _without_workspaces(node: Any) -> Any:
    """Leave ``workspaceId`` away but in paths: a made-up one ends every request at the door."""
    if isinstance(node, dict):
        return {k: _without_workspaces(v) for k, v in node.items() if k != "workspaceId"}
    if isinstance(node, list):
        return [_without_workspaces(item) for item in node if not _is_workspace_query(item)]
    return node


def _is_workspace_query(item: Any) -> bool:
    return isinstance(item, dict) and (item.get("name"), item.get("in")) == ("workspaceId", "query")
