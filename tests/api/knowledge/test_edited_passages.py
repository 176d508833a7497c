"""An edited passage keeps true offsets or none, wherever it is shown or quoted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.services import Services
from pipelines.citations import Citation, CitationChecker
from pipelines.passages import Passage, Passages
from pipelines.retrieval import find
from tests.api.conftest import Member

Work = Callable[[], Awaitable[int]]
TEXT = "The zibbelquarz is kept in the third drawer of the harbour office."
SHORTER = "The zibbelquarz is kept in the third drawer"
OTHER = "The zibbelquarz was moved to the lighthouse."


@pytest.fixture
async def document(member: Member, base_path: str, work: Work) -> str:
    """Path of a document whose one passage begins behind a heading of its text."""
    body = {"text": TEXT, "name": "drawer.txt"}
    made = await member.program.post(f"{base_path}/documents", json=body)
    await work()
    return f"{base_path}/documents/{made.json()['id']}"


async def _edit(member: Member, document: str, text: str) -> dict[str, Any]:
    (chunk,) = (await member.program.get(f"{document}/chunks")).json()["data"]
    changed = await member.program.patch(f"{document}/chunks/{chunk['id']}", json={"content": text})
    assert changed.status_code == 200, changed.text
    return dict(changed.json())


async def _citation(member: Member, base_path: str) -> dict[str, Any]:
    body = {"query": "zibbelquarz", "mode": "keyword"}
    (result,) = (await member.program.post(f"{base_path}/search", json=body)).json()["results"]
    return dict(result["citation"])


@pytest.mark.parametrize(
    ("text", "offsets"),
    [(OTHER, (None, None)), (SHORTER, (0, len(SHORTER))), (TEXT + " Always.", (None, None))],
)
async def test_edited_passage_has_offsets_only_where_its_text_still_occurs(
    member: Member, base_path: str, document: str, text: str, offsets: tuple[int | None, ...]
) -> None:
    chunk = await _edit(member, document, text)
    assert (chunk["startOffset"], chunk["endOffset"]) == offsets
    assert chunk["origin"] == "edited"
    citation = await _citation(member, base_path)
    assert (citation["startOffset"], citation["endOffset"]) == offsets
    assert citation["edited"] is True


async def test_reprocess_brings_back_the_documents_text_and_its_offsets(
    member: Member, base_path: str, document: str, work: Work
) -> None:
    await _edit(member, document, OTHER)
    assert (await member.program.post(f"{document}/reprocess", json={})).status_code == 202
    await work()
    (chunk,) = (await member.program.get(f"{document}/chunks")).json()["data"]
    assert (chunk["content"], chunk["origin"]) == (TEXT, "document")
    citation = await _citation(member, base_path)
    assert (citation["startOffset"], citation["endOffset"]) == (0, len(TEXT))
    assert "edited" not in citation


async def test_quote_of_an_edited_passage_says_so_and_has_no_offsets(
    member: Member, base_path: str, document: str, services: Services
) -> None:
    await _edit(member, document, OTHER)
    base_id = base_path.rsplit("/", 1)[-1]
    found = await find(services.store, member.workspace_id, [base_id], "zibbelquarz")
    passages = Passages()
    passages.add(found)
    checker = CitationChecker(passages)
    parts = [*checker.feed("The zibbelquarz was moved to the lighthouse [1]."), *checker.finish()]
    (citation,) = [part for part in parts if isinstance(part, Citation)]
    assert (citation.quote, citation.edited) == (OTHER, True)
    assert (citation.start_offset, citation.end_offset) == (None, None)


def test_citation_checker_given_words_that_the_edit_removed_cites_nothing() -> None:
    passages = Passages()
    passages.add([Passage("c", "d", "drawer.txt", OTHER, None, edited=True)])
    checker = CitationChecker(passages)
    parts = [*checker.feed("It is in the third drawer of the office [1]."), *checker.finish()]
    assert not [part for part in parts if isinstance(part, Citation)]
