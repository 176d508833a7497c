"""What one run of code may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

Language: TypeAlias = Literal["javascript", "python"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
Runtime: TypeAlias = Literal["javascript", "python", "interpreter"]
"""What runs the code; ``interpreter`` is Python with packages and files."""
RUNTIMES: Final[tuple[Runtime, ...]] = get_args(Runtime)
RUNTIME: Final = Path(__file__).resolve().parent / "runtime"
MAX_TIMEOUT_MS: Final = 300_000
DEFAULT_TIMEOUT_MS: Final = 10_000
_RESULT_BYTES_PER_CHAR: Final = 3  # JSON in JSON: a quote becomes two bytes, CJK three
_TEXT_BYTES_PER_CHAR: Final = 6  # a control character as \u0000
_FRAME_OVERHEAD_BYTES: Final = 1024
_MAX_NAME_BYTES: Final = 1024


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes or characters; memory counts from what the bare interpreter takes."""

    memory_bytes: int = 256 * 1024**2
    inputs_chars: int = 8_000_000
    code_chars: int = 200_000
    result_chars: int = 2_000_000
    result_depth: int = 100
    stdout_chars: int = 64_000
    """What is kept of the output; the rest is cut off."""
    printed_chars: int = 8_000_000
    """Where code that prints on and on is killed."""
    message_chars: int = 4_000
    traceback_lines: int = 20
    traceback_chars: int = 500
    """Of one line."""
    input_files: int = 20
    input_file_bytes: int = 20 * 1024**2
    """Of all files given."""
    output_files: int = 10
    output_file_bytes: int = 10 * 1024**2
    """Of all files that come back."""
    scratch_bytes: int = 64 * 1024**2
    """Of all files in the scratch directory."""
    scratch_files: int = 1_000

    @property
    def frame_bytes(self) -> int:
        """Bytes that the largest valid frame takes as JSON; a longer line is never buffered."""
        texts = self.stdout_chars + self.message_chars + self.traceback_lines * self.traceback_chars
        return (
            _RESULT_BYTES_PER_CHAR * self.result_chars
            + _TEXT_BYTES_PER_CHAR * texts
            + _FRAME_OVERHEAD_BYTES
        )

    @property
    def frame_bytes_with_files(self) -> int:
        """Bytes of the largest frame that brings files, in base64, back."""
        files = self.output_file_bytes * 4 // 3 + self.output_files * _MAX_NAME_BYTES
        return self.frame_bytes + files
