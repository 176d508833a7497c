"""No library reports to its maker, whatever the process imports first."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_PROGRAMS = {
    "haystack": (
        "import pipelines.blocks, haystack.telemetry as t, haystack.telemetry._telemetry as m;"
        "print(m.telemetry is None)"
    ),
    "huggingface_hub": (
        "import core, huggingface_hub.constants as c; print(c.HF_HUB_DISABLE_TELEMETRY)"
    ),
    "unstructured": (
        "import ingest, os; print(bool(os.environ['SCARF_NO_ANALYTICS'] and "
        "os.environ['DO_NOT_TRACK']))"
    ),
    "litellm": (
        "import asyncio; from core.models.providers import litellm_module;"
        "print(not asyncio.run(litellm_module()).telemetry)"
    ),
}


@pytest.mark.parametrize("library", _PROGRAMS)
def test_telemetry_in_a_clean_process_is_off(library: str) -> None:
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAMS[library]],
        capture_output=True,
        text=True,
        env=clean | {"HAYSTACK_TELEMETRY_ENABLED": "true"},
        check=False,
    )
    assert ended.stdout.splitlines()[-1:] == ["True"], ended.stderr
