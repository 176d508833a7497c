"""A quarterly report through HTTP: read, asked about, and each citation looked up in its page."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pypdfium2
import pytest

from copilot.offline import ABSTENTION
from tests.walks.main_job import sign_up
from tests.walks.system import System, free_port

FILING = "2023 Q3 AAPL.pdf"
QUESTIONS = (
    "What is Apple's effective tax rate for the third quarter of 2023?",
    "How did the gross margin percentage of services change?",
    "What does the company manufacture, market and sell?",
)
UNANSWERABLE = "Which enzyme unwinds the DNA double helix during replication?"
Events = list[dict[str, Any]]
pytestmark = [pytest.mark.shared_data, pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client with a key of the service as its users start it."""
    with tempfile.TemporaryDirectory(prefix="nuxa-filing-") as directory:
        Path(directory).chmod(0o711)
        # The plan's limit of requests a minute is none of this walk's business.
        system = System(Path(directory) / "var", free_port(), NUXA_DEFAULT_PLAN="enterprise")
        try:
            system.wait_for("Ctrl-C ends everything")
            headers = sign_up(system.url, "analyst@example.com")
            with httpx.Client(base_url=system.url, headers=headers, timeout=300) as client:
                yield client
        finally:
            system.interrupt()


@pytest.fixture(scope="module")
def filing(shared_data: Path) -> Path:
    return shared_data / "qa" / "sec10q_docugami" / "pdfs" / FILING


@pytest.fixture(scope="module")
def base_id(client: httpx.Client, filing: Path) -> str:
    """A base that holds the filing, read to its end."""
    base = client.post("/api/knowledge", json={"name": "Filings"}).json()
    path = f"/api/knowledge/{base['id']}/documents"
    added = client.post(path, files={"file": (FILING, filing.read_bytes())})
    assert added.status_code == 202, added.text
    one = f"{path}/{added.json()['id']}"
    while not (row := client.get(one).json()).get("endedAt"):
        assert "status" in row, row
        time.sleep(0.3)
    assert row["status"] == "completed", row
    return str(base["id"])


@pytest.fixture(scope="module")
def pages(filing: Path) -> list[str]:
    """The text of each page, taken from the file by other means than ours."""
    with pypdfium2.PdfDocument(filing) as document:
        return [_plain(page.get_textpage().get_text_bounded()) for page in document]


def _plain(text: str) -> str:
    """Return a text without blanks, which layouts set differently, and without the borders of
    tables' cells, which a page draws and Markdown writes."""
    unruled = re.sub(r"^\|[ |:-]+\|$", "", text, flags=re.MULTILINE)
    return re.sub(r"[\s|]+", "", unruled.replace("\ufffe", "-").replace("\xad", "-"))


def _read(answer: httpx.Response, most: int = 10_000) -> Events:
    """Read a stream to its ``[DONE]``, or hang up after ``most`` events."""
    assert answer.status_code == 200, answer.read()
    found: Events = []
    for line in answer.iter_lines():
        if line == "data: [DONE]":
            return found
        if line.startswith("data:"):
            found.append(json.loads(line.removeprefix("data:")))
        if len(found) == most:
            return found
    raise AssertionError("the stream ended without [DONE]")


def _ask(client: httpx.Client, question: str, base_id: str, most: int = 10_000) -> Events:
    body = {"message": question, "knowledgeBaseIds": [base_id]}
    with client.stream("POST", "/api/copilot/stream", json=body) as answer:
        return _read(answer, most)


def _follow(client: httpx.Client, message_id: str, after: int) -> Events:
    headers = {"Last-Event-ID": str(after)}
    with client.stream("GET", f"/api/copilot/streams/{message_id}", headers=headers) as answer:
        return _read(answer)


def _text(events: Events) -> str:
    return "".join(event["payload"]["delta"] for event in events if event["type"] == "text")


def _stored(client: httpx.Client, events: Events) -> dict[str, Any]:
    history = client.get("/api/copilot/history", params={"chatId": events[0]["chatId"]})
    found: dict[str, Any] = history.json()["data"][-1]
    assert found["id"] == events[0]["messageId"]
    return found


def _check_marks(events: Events) -> None:
    """Every mark in the text stands for a citation that came before it."""
    known: set[int] = set()
    text = ""
    for event in events:
        if event["type"] == "citation":
            known.add(event["payload"]["n"])
        elif event["type"] == "text":
            text += event["payload"]["delta"]
            marks = {
                int(number)
                for mark in re.findall(r"\[([\d, ]+)\]", text)
                for number in mark.split(",")
            }
            assert marks <= known, text
    assert known, text


@pytest.mark.parametrize("question", QUESTIONS)
def test_citations_stand_in_their_pages(
    client: httpx.Client, base_id: str, pages: list[str], question: str
) -> None:
    events = _ask(client, question, base_id)
    assert (events[0]["type"], events[-1]["type"]) == ("start", "done")
    assert events[-1]["payload"]["status"] == "completed"
    _check_marks(events)
    citations = [event["payload"] for event in events if event["type"] == "citation"]
    for citation in citations:
        assert citation["documentName"] == FILING
        assert _plain(citation["quote"]) in pages[citation["page"] - 1], citation
        x0, y0, x1, y1 = citation["bbox"]
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1
    stored = _stored(client, events)
    assert stored["content"] == _text(events)
    assert stored["citations"] == citations


def test_a_cut_stream_is_resumed(client: httpx.Client, base_id: str) -> None:
    begun = _ask(client, QUESTIONS[0], base_id, most=4)
    message_id = begun[0]["messageId"]
    rest = _follow(client, message_id, begun[-1]["seq"])
    whole = _follow(client, message_id, 0)
    assert begun + rest == whole
    assert [event["seq"] for event in whole] == list(range(1, len(whole) + 1))
    assert whole[-1]["type"] == "done"
    assert _stored(client, whole)["content"] == _text(whole)


def test_what_the_filing_does_not_say_is_declined(client: httpx.Client, base_id: str) -> None:
    events = _ask(client, UNANSWERABLE, base_id)
    assert ABSTENTION in _text(events)
    assert "citation" not in {event["type"] for event in events}
    assert not re.search(r"\[\d", _text(events))
