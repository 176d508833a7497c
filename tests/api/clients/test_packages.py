"""Both SDKs are built as packages and used from there, not from the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLIENTS = Path(__file__).resolve().parents[3] / "clients"
_SECONDS = 110


def _run(*command: str, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout.strip()


def test_python_wheel_installed_elsewhere_has_types_and_client(tmp_path: Path) -> None:
    source = shutil.copytree(CLIENTS / "python", tmp_path / "source")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    _run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", "..", ".", cwd=source)
    [wheel] = tmp_path.glob("nuxa_sdk-*.whl")
    target = tmp_path / "installed"
    _run(*pip, "install", "--no-deps", "--target", str(target), str(wheel), cwd=tmp_path)
    assert (target / "nuxa" / "py.typed").is_file()
    program = (
        f"import sys; sys.path.insert(0, {str(target)!r}); import nuxa; "
        "nuxa.NuxaClient(api_key='k'); print(nuxa.__file__)"
    )
    assert _run(sys.executable, "-c", program, cwd=tmp_path).startswith(str(target))


def test_npm_tarball_installed_elsewhere_has_client_and_causes(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    skipped = shutil.ignore_patterns("node_modules", "dist")
    source = shutil.copytree(CLIENTS / "typescript", tmp_path / "source", ignore=skipped)
    _run("npm", "install", "--no-audit", "--no-fund", cwd=source)
    _run("npm", "pack", "--pack-destination", str(tmp_path), cwd=source)
    [tarball] = tmp_path.glob("nuxa-sdk-*.tgz")
    user = tmp_path / "user"
    user.mkdir()
    _run("npm", "install", "--no-audit", "--no-fund", str(tarball), cwd=user)
    (user / "use.mjs").write_text(
        "import { NuxaClient } from '@nuxa/sdk'\n"
        "process.env.NUXA_BASE_URL = 'http://127.0.0.1:1'\n"
        "const client = new NuxaClient({ apiKey: 'k', maxRetries: 0 })\n"
        "try { await client.workflows.get('wf_1') }\n"
        "catch (error) { console.log(error.code, error.cause instanceof Error) }\n"
    )
    assert _run("node", "use.mjs", cwd=user) == "CONNECTION_FAILED true"
