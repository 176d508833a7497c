"""Whether cited statements answer their questions, by labels that a person has set.

A label is a verdict on one statement under one question: ``{question id: {digest: verdict}}``, the
digest being that of the statement. What was asked and said is in no label.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from evals.support_judge import cited_statements

_FOLDER: Final = Path(__file__).parent / "data" / "support"
_DIGITS: Final = 16  # of the digest: few statements are kept a question

Labels = Mapping[str, Mapping[str, bool]]


def load_labels(dataset: str) -> Labels:
    """Return the labels of a set of questions; none where nobody has labelled answers to it."""
    path = _FOLDER / f"{dataset}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def count_supported(rows: Sequence[Mapping[str, Any]], labels: Labels) -> dict[str, dict[str, int]]:
    """Count the cited statements of labelled questions that answer them, and those labelled at all.

    Nothing is counted without labels; a statement that has none is in ``labelled`` alone.
    """
    verdicts = [
        labels[row["id"]].get(digest(statement))
        for row in rows
        if row["id"] in labels
        for statement, _ in cited_statements(row["content"], row["citations"])
    ]
    known = [verdict for verdict in verdicts if verdict is not None]
    if not verdicts:
        return {}
    return {
        "supportedByLabels": {"right": sum(known), "of": len(known)},
        "labelled": {"right": len(known), "of": len(verdicts)},
    }


def digest(statement: str) -> str:
    """Return what tells a statement apart in labels."""
    return hashlib.sha256(statement.encode()).hexdigest()[:_DIGITS]
