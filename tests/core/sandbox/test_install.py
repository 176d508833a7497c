"""Fetching Python: what is kept where, and what a machine without a registry is told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from core.config import Settings
from core.sandbox import install as module
from core.sandbox.errors import LanguageUnavailable
from core.sandbox.install import find_pyodide, install


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("sys.prefix", str(tmp_path / "prefix"))
    return Settings(data_dir=tmp_path / "data")


def test_without_a_registry(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9/")
    with pytest.raises(LanguageUnavailable, match=r"HTTPS_PROXY.*JavaScript works without it"):
        install(settings)
    with pytest.raises(LanguageUnavailable, match="not installed"):
        find_pyodide(settings)
    assert list((Path(module.sys.prefix) / "share" / "nuxa" / "sandbox").iterdir()) == []


def test_kept_beside_the_packages(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def deno(arguments: list[str], directory: Path) -> None:
        calls.append(arguments[0])
        if arguments[0] == "run":
            (directory / "snapshot.bin").write_bytes(b"x")
            return
        fetched = directory / "node_modules" / "pyodide"
        fetched.mkdir(parents=True)
        for name in module._NEEDED:
            (fetched / name).write_text(name)

    monkeypatch.setattr(module, "_deno", deno)
    place = install(settings)
    assert place.parent == (Path(module.sys.prefix) / "share" / "nuxa" / "sandbox").resolve()
    assert sorted(p.name for p in place.iterdir()) == sorted([*module._NEEDED, "snapshot.bin"])
    assert (find_pyodide(settings), install(settings), calls) == (place, place, ["install", "run"])


def test_a_half_made_install_is_replaced(tmp_path: Path) -> None:
    target, build = tmp_path / "target", tmp_path / "build"
    target.mkdir()
    (target / "pyodide.mjs").write_text("half")
    build.mkdir()
    (build / "snapshot.bin").write_text("whole")
    module._move_into_place(build, target)
    assert [p.name for p in target.iterdir()] == ["snapshot.bin"]


def test_the_lock_names_the_version_that_is_asked_for() -> None:
    version = module._directory_name().split("-")[1]
    lock = (module.RUNTIME / "deno.lock").read_text()
    assert f'"pyodide@{version}": {{\n      "integrity": "sha512-' in lock
    assert subprocess.run([str(module.find_deno()), "--version"], check=True).returncode == 0
