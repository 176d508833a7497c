"""Generated requests to every route: no server error, and no answer that is not described.

``NUXA_FUZZ_SECONDS`` says how long (``make fuzz``: 20 minutes); the default run is short.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from core.config import Settings
from tests.api.conftest import Member

SECONDS = int(os.environ.get("NUXA_FUZZ_SECONDS", "25"))
# These would end the run's own session or workspace.
SUICIDAL = ("logout", "deleteWorkspace")
NOT_CHECKED = (
    # JSON Schema cannot say everything: a graph without cycles, an address that is public.
    "positive_data_acceptance",
    # It sends one wrong credential beside a right one; api.matrix tries them one by one.
    "ignored_auth",
    # /api/files/upload is also a file of the id upload, whose methods a 405 lists as well.
    "allow_header_conformance",
)


@pytest.mark.timeout(SECONDS * 3 + 120)
async def test_no_generated_request_breaks_what_the_description_says(
    member: Member, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "anonymous_requests_per_minute", -1)
    url = str(member.program.base_url).rstrip("/")
    # An id that is made up would end every request at the door.
    (tmp_path / "schemathesis.toml").write_text(
        f'[parameters]\n"query.workspaceId" = "{member.workspace_id}"\n'
    )
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/openapi.json"),
        *("--header", f"x-api-key: {member.program.headers['x-api-key']}"),
        *("--checks", "all", "--exclude-checks", ",".join(NOT_CHECKED)),
        *("--max-time", str(SECONDS), "--request-timeout", "20", "--continue-on-failure"),
        *(part for name in SUICIDAL for part in ("--exclude-operation-id", name)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    told, _ = await program.communicate()
    assert program.returncode == 0, told.decode()[-20_000:]
