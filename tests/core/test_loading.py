"""Large modules are imported in a thread, once."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from core.loading import load


async def test_a_module_is_imported_off_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import threading\nWHERE = threading.current_thread()\n"
    (tmp_path / "nuxa_seldom_needed.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    await load("nuxa_seldom_needed")
    module = sys.modules.pop("nuxa_seldom_needed")
    assert module.WHERE is not threading.current_thread()
    await load("nuxa_seldom_needed")  # it was: nothing is asked of any thread
    assert "nuxa_seldom_needed" not in sys.modules


async def test_what_is_not_there_is_told() -> None:
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError):
            await load("nuxa_that_nobody_wrote")
