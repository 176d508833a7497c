"""Where the models that listen lie, and whether they are there and whole."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from core.config import Settings
from core.models.export import roots

# Whisper base (MIT), as https://huggingface.co/Systran/faster-whisper-base has it.
FILES: Final = {
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
DIRECTORY: Final = f"whisper-base-{FILES['model.bin'][:12]}"
LISTENER_PACKAGE: Final = "faster_whisper"
SPEAKER_PACKAGE: Final = "hibari"


def whisper_directory(settings: Settings) -> Path | None:
    """Return where Whisper lies, None where it was not got. Only whole ones are put there."""
    for root in roots(settings):
        if (root / DIRECTORY / "model.bin").is_file():
            return root / DIRECTORY
    return None


def has_local_listener(settings: Settings) -> bool:
    """Return whether Whisper and its package are installed."""
    return whisper_directory(settings) is not None and find_spec(LISTENER_PACKAGE) is not None


def has_local_speaker() -> bool:
    """Return whether the voice, which its package contains, is installed."""
    return find_spec(SPEAKER_PACKAGE) is not None
