"""``make run`` as a person meets it: printed lines that work, Ctrl-C, and a start after a kill."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.walks.system import System, alive, events, free_port, wait_ended

LAST_LINE = "Ctrl-C ends everything"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
    pytest.mark.timeout(900),
]


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nuxa-run-") as directory:
        Path(directory).chmod(0o711)
        yield Path(directory) / "var"


def test_the_first_start_and_the_next_ones(home: Path) -> None:
    first = System(home, free_port())
    started = [first]
    try:
        first.wait_for(LAST_LINE)
        chat, run = first.requests()
        _check_chat(chat.send())
        _check_run(run.send())

        children = first.descendants()
        first.interrupt()
        assert alive(children) == []

        second = System(home, free_port())
        started.append(second)
        second.wait_for(LAST_LINE)
        assert second.requests()[0].headers == chat.headers
        assert second.requests()[0].body == chat.body
        _check_chat(second.requests()[0].send())

        children = second.descendants()
        second.kill()
        wait_ended(children)

        third = System(home, free_port())
        started.append(third)
        third.wait_for(LAST_LINE)
        _check_run(third.requests()[1].send())
        third.interrupt()
    finally:
        for system in started:
            if system.process.poll() is None:
                system.interrupt()


def _check_chat(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text
    sent = events(answer)
    text = "".join(e["payload"]["delta"] for e in sent if e["type"] == "text")
    assert "five years" in text
    citation = next(e["payload"] for e in sent if e["type"] == "citation")
    assert "five years" in citation["quote"]
    assert sent[-1]["type"] == "done"


def _check_run(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text
    assert "five years" in answer.json()["answer"]
    assert answer.json()["citations"]
