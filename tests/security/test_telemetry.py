"""No library reports to its maker, whichever of our modules a process imports first."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

_TOLD = "import haystack.telemetry._telemetry as m; print(m.telemetry is None)"
_PROGRAMS = {
    "haystack": f"import pipelines.blocks; {_TOLD}",
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
    _check(_PROGRAMS[library])


def test_telemetry_in_the_script_of_the_docs_is_off() -> None:
    page = (ROOT / "docs" / "haystack.md").read_text(encoding="utf-8")
    imports = page.partition("```python\n")[2].partition("HANDBOOK")[0]
    assert "from haystack" in imports
    _check(f"{imports}\n{_TOLD}")


def _check(program: str) -> None:
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=clean | {"HAYSTACK_TELEMETRY_ENABLED": "true"},
        check=False,
    )
    assert ended.stdout.splitlines()[-1:] == ["True"], ended.stderr
