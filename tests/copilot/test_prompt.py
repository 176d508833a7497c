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


def test_a_model_on_this_machine_is_not_told_to_be_brief_where_code_is_brought() -> None:
    def told(question: str, room: Room) -> str:
        return str(prompt(MODE, [], None, question, room=room)[0]["content"])

    code = "It fails:\n```\nx = 1\n```"
    assert "briefly" not in told(code, SMALL)
    assert "all of the corrected code" in told(code, SMALL)
    for system in (told(code, LARGE), told("How many?", SMALL)):
        assert "briefly" in system
        assert "code" not in system
