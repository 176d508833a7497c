"""What a model is told at the beginning."""

from __future__ import annotations

from copilot.modes import find_mode
from copilot.prompt import prompt
from core.models.room import LARGE, SMALL, Room
from pipelines.passages import Passage

MODE = find_mode("workspace-chat", None)


def _system(passages: list[Passage] | None, room: Room = LARGE) -> str:
    return str(prompt(MODE, [], passages, "How many?", room=room)[0]["content"])


def test_who_has_no_documents_is_told_of_none() -> None:
    assert "could not find it in the documents" in _system([])
    assert "document" not in _system(None).replace(MODE.task, "")


def test_a_model_on_this_machine_is_not_asked_for_marks() -> None:
    assert "[1]" in _system([])
    assert "[1]" not in _system([], SMALL)
    assert "<passages>" in _system([], SMALL)
