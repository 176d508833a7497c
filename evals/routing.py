"""Routing without a model: paraphrases go to the tool that does them, questions to the documents.

``unseen.json`` has ``paraphrases`` (``text``, ``language`` and the ``intent`` they share with one
of the six prompts), ``documents`` (``name``, ``text``) and ``questions`` which a ``document``
answers. ``half`` is ``tuning``, or ``held-out`` for what was written without sight of the requests
that the router knows: do not look at it when you change them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from core.config import RULES_MODEL
from core.services import Services
from evals.modes import Prompt, answer_to
from evals.scratch import Source

MODE: Final = "workspace-explore"
_TOOLS: Final = MappingProxyType(
    {
        "find_workflows": "find_workflows",
        "explain": "explain",
        "find_templates": "find_templates",
        "analyze_logs": "analyze_logs",
        "error_report": "report_errors",
        "usage_chart": "make_chart",
    }
)


@dataclass(frozen=True)
class RoutingCase:
    """A text, and the tool that does it or the document that answers it."""

    id: str
    text: str
    half: str
    language: str = "en"
    tool: str | None = None
    document: str | None = None


@dataclass(frozen=True)
class RoutingSet:
    """The cases, and the documents of the base that is searched for all of them."""

    cases: list[RoutingCase]
    documents: list[Source]


def load(folder: Path, limit: int | None) -> RoutingSet:
    """Read ``unseen.json``; a folder without one has no cases."""
    file = folder / "unseen.json"
    if not file.is_file():
        return RoutingSet([], [])
    raw = json.loads(file.read_text(encoding="utf-8"))
    paraphrases = [
        RoutingCase(f"paraphrase {n}", each["text"], each["half"], each["language"],
                    _TOOLS[each["intent"]])
        for n, each in enumerate(raw["paraphrases"], 1)
    ]  # fmt: skip
    questions = [
        RoutingCase(f"question {n}", each["text"], each["half"], document=each["document"])
        for n, each in enumerate(raw["questions"], 1)
    ]
    documents = [
        Source(each["name"], f"{each['name']}.md", "text/markdown", each["text"].encode())
        for each in raw["documents"]
    ]
    return RoutingSet(paraphrases[:limit] + questions[:limit], documents)


def checksum(documents: Sequence[Source]) -> str:
    """Return a checksum of the documents."""
    return hashlib.sha256(b"".join(each.data for each in documents)).hexdigest()


async def ask_case(services: Services, case: RoutingCase, base_id: str) -> dict[str, Any]:
    """Ask a case in a chat of its own; return its row."""
    answer = await answer_to(services, Prompt(case.id, case.text, MODE), base_id)
    calls = [call["name"] for call in answer.tool_calls if call.get("status") == "success"]
    if case.tool:
        right = case.tool in calls
    else:
        right = not answer.tool_calls and answer.model != RULES_MODEL
    cited = {citation["documentName"] for citation in answer.citations}
    return {
        "id": case.id,
        "kind": "paraphrase" if case.tool else "question",
        "half": case.half,
        "language": case.language,
        "ask": case.text,
        "right": right,
        "cited": f"{case.document}.md" in cited if case.document else None,
        "calls": calls,
        "answer": answer.content,
    }


def measures(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Return how many were routed right, in all, by half and in other languages, and how many
    questions cite the document that answers them."""
    groups = {
        "paraphrases": [r for r in rows if r["kind"] == "paraphrase"],
        "document questions": [r for r in rows if r["kind"] == "question"],
    }
    found = {}
    for name, group in groups.items():
        found[f"{name}: routed"] = _count(group, "right")
        for half in ("tuning", "held-out"):
            found[f"{name}, {half} half: routed"] = _count(
                [row for row in group if row["half"] == half], "right"
            )
    others = [row for row in groups["paraphrases"] if row["language"] != "en"]
    found["paraphrases, German, Spanish, French: routed"] = _count(others, "right")
    found["document questions: right document cited"] = _count(
        groups["document questions"], "cited"
    )
    return found


def _count(rows: Sequence[dict[str, Any]], key: str) -> dict[str, int]:
    return {"right": sum(bool(row[key]) for row in rows), "of": len(rows)}
