"""The sample workflow: it looks a question up and answers it."""

from __future__ import annotations

import itertools
from typing import Any

QUESTION = "How long is the hull of a new boat guaranteed against rot?"


def sample_workflow(base_id: str) -> dict[str, Any]:
    """Return the definition: start, knowledge, agent, response."""
    blocks = _blocks(base_id)
    return {
        "blocks": {block["id"]: block for block in blocks},
        "edges": [
            {"id": f"{source['id']}-{target['id']}", "source": source["id"], "target": target["id"]}
            for source, target in itertools.pairwise(blocks)
        ],
        "loops": {},
        "parallels": {},
        "variables": {},
    }


def _blocks(base_id: str) -> list[dict[str, Any]]:
    question = "<start.question>"
    search = {"operation": "search", "knowledgeBaseId": base_id, "query": question, "topK": 5}
    ask = {
        "systemPrompt": "Answer the question from the boatyard's documents, and cite them.",
        "prompt": question,
        "knowledgeBaseIds": [base_id],
    }
    answer = {
        "answer": "<agent.content>",
        "citations": "<agent.citations>",
        "passages": "<knowledge.results>",
    }
    return [
        _block("start", "Start", 0, inputFormat=[{"name": "question", "type": "string"}]),
        _block("knowledge", "Knowledge", 1, **search),
        _block("agent", "Agent", 2, **ask),
        _block("response", "Response", 3, status=200, data=answer),
    ]


def _block(kind: str, name: str, place: int, **settings: object) -> dict[str, Any]:
    return {
        "id": kind,
        "type": kind,
        "name": name,
        "position": {"x": 300 * place, "y": 0},
        "enabled": True,
        "subBlocks": {
            key: {"id": key, "type": "short-input", "value": value}
            for key, value in settings.items()
        },
        "outputs": {},
    }
