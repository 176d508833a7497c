"""What a model is told at the beginning."""

from __future__ import annotations

from copilot.modes import find_mode
from copilot.prompt import prompt
from pipelines.passages import Passage

MODE = find_mode("workspace-chat", None)


def _system(passages: list[Passage] | None) -> str:
    return str(prompt(MODE, [], passages, "How many?")[0]["content"])


def test_who_has_no_documents_is_told_of_none() -> None:
    assert "could not find it in the documents" in _system([])
    assert "document" not in _system(None).replace(MODE.task, "")
