"""The TypeScript client, type-checked and walked against the running service."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from api.app import create_app
from core.config import Settings
from core.services import Services
from tests.api.bearers import bearer_of_session
from tests.api.conforms import document
from tests.api.conftest import Member
from tests.bases import write_base

ROOT = Path(__file__).resolve().parents[3]
CLIENT = ROOT / "clients" / "typescript"


@pytest.fixture
def import_map(tmp_path: Path) -> Path:
    target = tmp_path / "imports.json"
    target.write_text(json.dumps({"imports": {"@nuxa/sdk": (CLIENT / "src/index.ts").as_uri()}}))
    return target


@pytest.mark.slow
async def test_it_walks_through_the_service(
    member: Member, stranger: Member, services: Services, import_map: Path, tmp_path: Path
) -> None:
    await write_base(services.store, member.workspace_id, "Lunch is served at noon.")
    url = str(member.program.base_url).rstrip("/")
    told = await _deno(
        *("run", "--check", "--no-remote", "--no-config", f"--allow-net={url.split('//')[1]}"),
        *(f"--import-map={import_map}", str(Path(__file__).with_name("walk.ts"))),
        *(url, member.program.headers["x-api-key"]),
        *(await bearer_of_session(member), stranger.email),
        directory=tmp_path,
    )
    assert told.strip().endswith("walked")


def test_its_types_are_those_of_the_description(settings: Settings) -> None:
    create_app(settings)
    sys.path.insert(0, str(CLIENT))
    try:
        from generate import TARGET, typescript
    finally:
        sys.path.remove(str(CLIENT))
    wanted = typescript(document())
    assert TARGET.read_text(encoding="utf-8") == wanted, "make sdk-types writes them anew"


async def _deno(*arguments: str, directory: Path) -> str:
    program = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("deno")), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=directory,
        env={"PATH": os.environ["PATH"], "DENO_DIR": str(directory / "deno"), "NO_COLOR": "1"},
    )
    told, _ = await program.communicate()
    assert program.returncode == 0, told.decode()[-4000:]
    return told.decode()
