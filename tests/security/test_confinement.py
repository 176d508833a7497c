"""What is said where the kernel lacks a wall, and logs that stay bounded."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from api import launch
from api.launch import Launcher
from core.config import get_settings
from core.sandbox import guest
from core.sandbox.confine import landlock_version


def test_missing_confinement_on_poor_kernel_is_described_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = SimpleNamespace(stdout="Landlock unshare")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    line = guest.describe_missing_confinement()
    assert line is not None
    assert "Landlock and unshare" in line
    assert "\n" not in line
    assert len(line) <= 160


def test_missing_confinement_asked_of_this_kernel_names_walls_alone() -> None:
    line = guest.describe_missing_confinement()
    has_landlock = landlock_version() > 0
    assert ("Landlock" not in (line or "")) == has_landlock
    assert has_landlock or line is not None


@pytest.mark.parametrize("name", ["logs/api.log", "postgres/server.log", "valkey/server.log"])
def test_launcher_given_large_log_rotates_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(launch, "_MAX_LOG_BYTES", 1_000)
    log = tmp_path / name
    log.parent.mkdir(parents=True)
    launcher = Launcher(get_settings().model_copy(update={"data_dir": tmp_path}), print)
    with log.open("ab", buffering=0) as writer:
        for _ in range(10):
            writer.write(b"x" * 600)
            launcher.look_after()
    assert log.stat().st_size <= 1_000
    earlier = log.with_name(f"{log.name}.1")
    assert earlier.stat().st_size <= 2_000
    assert stat.S_IMODE(earlier.stat().st_mode) == 0o600
