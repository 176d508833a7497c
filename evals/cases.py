"""Reads evaluation sets from disk: BEIR folders, and questions about files."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BadData(Exception):
    """An evaluation folder is not laid out as it should be; the message says what is missing."""


@dataclass(frozen=True)
class Text:
    """A document of a retrieval set."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class RetrievalSet:
    """Questions, and which documents answer each: ``relevant[query][document]`` is a grade."""

    name: str
    split: str
    checksum: str  # of the corpus
    corpus: list[Text]
    queries: dict[str, str]
    relevant: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Question:
    """A question with the files that hold its answer."""

    id: str
    text: str
    answer: str
    gold: frozenset[str]  # file names


@dataclass(frozen=True)
class AnswerSet:
    """Files, and questions about them."""

    name: str
    checksum: str  # of the files
    files: list[Path]
    questions: list[Question]


def load_retrieval(folder: Path, split: str | None, limit: int | None) -> RetrievalSet:
    """Read a BEIR folder: ``corpus.jsonl``, ``queries.jsonl`` (or .gz) and ``qrels/<split>.tsv``.

    Without a split the folder's only one is taken. ``limit`` keeps the first judged queries; the
    corpus stays whole. Raises :class:`BadData`.
    """
    corpus_file = _find(folder, "corpus")
    qrels = _qrels_file(folder, split)
    relevant: dict[str, dict[str, int]] = {}
    with qrels.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            relevant.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    texts = {row["_id"]: row["text"] for row in _rows(_find(folder, "queries"))}
    judged = [query for query in relevant if query in texts][:limit]
    if not judged:
        raise BadData(f"{qrels} judges no query of {folder}.")
    return RetrievalSet(
        name=folder.resolve().name,
        split=qrels.stem,
        checksum=_checksum([corpus_file]),
        corpus=[Text(r["_id"], r.get("title") or "", r["text"]) for r in _rows(corpus_file)],
        queries={query: texts[query] for query in judged},
        relevant={query: relevant[query] for query in judged},
    )


def load_answers(folder: Path, limit: int | None) -> AnswerSet:
    """Read ``qna.jsonl`` (``id question answer gold_docs``) and the files it speaks of.

    The files may lie in the folder or below it. Raises :class:`BadData`.
    """
    rows = list(_rows(_find(folder, "qna")))[:limit]
    questions = [
        Question(row["id"], row["question"], row["answer"], frozenset(row["gold_docs"]))
        for row in rows
    ]
    by_name = {path.name: path for path in sorted(folder.rglob("*")) if path.is_file()}
    suffixes = {Path(name).suffix for question in questions for name in question.gold}
    missing = {name for question in questions for name in question.gold} - by_name.keys()
    if missing:
        raise BadData(f"{folder} lacks the documents {', '.join(sorted(missing)[:5])}.")
    files = [path for name, path in by_name.items() if path.suffix in suffixes]
    return AnswerSet(folder.resolve().name, _checksum(files), files, questions)


def _find(folder: Path, stem: str) -> Path:
    for name in (f"{stem}.jsonl", f"{stem}.jsonl.gz"):
        if (folder / name).is_file():
            return folder / name
    raise BadData(f"{folder} has no {stem}.jsonl or {stem}.jsonl.gz.")


def _qrels_file(folder: Path, split: str | None) -> Path:
    found = sorted((folder / "qrels").glob("*.tsv"))
    if split is not None:
        found = [path for path in found if path.stem == split]
    if len(found) == 1:
        return found[0]
    splits = ", ".join(sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))) or "none"
    raise BadData(f"Choose a split of {folder} with --split; there are: {splits}.")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def _checksum(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
