"""Answers with citations that were checked against the documents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from haystack import Document, component
from haystack.dataclasses import ChatMessage, GeneratedAnswer

from pipelines.citations import Citation, CitationChecker
from pipelines.passages import Passage, Passages


@component
class CitedAnswerBuilder:
    """Build answers from replies that cite documents as ``[1]``, by their place from 1 on.

    A mark that its document does not support is taken out of the answer. Documents of an answer are
    those that it cites, with ``citations`` in their metadata: each quote occurs in the document.
    """

    @component.output_types(answers=list[GeneratedAnswer])
    def run(
        self, query: str, replies: list[str] | list[ChatMessage], documents: list[Document]
    ) -> dict[str, list[GeneratedAnswer]]:
        """Return one answer a reply."""
        return {"answers": [_build_answer(query, _text(each), documents) for each in replies]}


def _build_answer(query: str, reply: str, documents: list[Document]) -> GeneratedAnswer:
    passages = Passages()
    numbered = passages.add(map(_passage, documents))
    by_number = {passage.n: each for passage, each in zip(numbered, documents, strict=True)}
    checker = CitationChecker(passages)
    parts = [*checker.feed(reply), *checker.finish()]
    citations = [part for part in parts if isinstance(part, Citation)]
    cited = [
        _with_citations(by_number[n], [each for each in citations if each.n == n])
        for n in dict.fromkeys(citation.n for citation in citations)
    ]
    text = "".join(part for part in parts if isinstance(part, str))
    return GeneratedAnswer(data=text, query=query, documents=cited)


def _with_citations(document: Document, citations: list[Citation]) -> Document:
    told: list[dict[str, Any]] = [
        {"n": each.n, "quote": each.quote, "page": each.page} for each in citations
    ]
    return replace(document, meta={**document.meta, "citations": told})


def _passage(document: Document) -> Passage:
    meta = document.meta
    page = meta.get("page", meta.get("page_number"))
    return Passage(
        chunk_id=document.id,
        document_id=str(meta.get("documentId", document.id)),
        document_name=str(meta.get("documentName", meta.get("file_path", ""))),
        text=document.content or "",
        start_offset=None,
        page=page if isinstance(page, int) else None,
    )


def _text(reply: str | ChatMessage) -> str:
    return reply if isinstance(reply, str) else reply.text or ""
