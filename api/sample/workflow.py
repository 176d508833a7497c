"""The sample workflow: it looks a question up and answers it."""

from __future__ import annotations

import itertools
from typing import Any

QUESTION = "How long is the hull of a new boat guaranteed against rot?"


def sample_workflow(base_id: str) -> dict[str, Any]:
    """Return the definition: start, knowledge, agent, response."""
    blocks = [
        _block("start", "Start", 0, inputFormat=[{"name": "question", "type": "string"}]),
        _block(
            "knowledge",
            "Knowledge",
            1,
            operation="search",
            knowledgeBaseId=base_id,
            query="<start.question>",
            topK=5,
        ),
        _block(
            "agent",
            "Agent",
            2,
            systemPrompt="Answer the question from the boatyard's documents, and cite them.",
            prompt="<start.question>",
            knowledgeBaseIds=[base_id],
        ),
        _block(
            "response",
            "Response",
            3,
            status=200,
            data={
                "answer": "<agent.content>",
                "citations": "<agent.citations>",
                "passages": "<knowledge.results>",
            },
        ),
    ]
    order = [block["id"] for block in blocks]
    return {
        "blocks": {block["id"]: block for block in blocks},
        "edges": [
            {"id": f"{source}-{target}", "source": source, "target": target}
            for source, target in itertools.pairwise(order)
        ],
        "loops": {},
        "parallels": {},
        "variables": {},
    }


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
