"""Runs code in the confined Python with packages and files."""

from __future__ import annotations

from core.sandbox.outcome import SandboxFile, SandboxResult
from core.sandbox.pool import Sandbox

TIMEOUT_MS = 60_000


async def run(sandbox: Sandbox, code: str, *files: SandboxFile) -> SandboxResult:
    return await sandbox.run(code, "python", {}, TIMEOUT_MS, files=files, with_files=True)
