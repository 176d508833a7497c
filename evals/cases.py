"""Reads evaluation sets from disk: BEIR folders, and questions about files."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal

Half = Literal["a", "b"]


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
    half: Half | None = None  # of the queries, by their ids; None: all
    query_language: str | None = None  # of the file they are from; None: the main one


@dataclass(frozen=True)
class Question:
    """A question with the files that hold its answer; none where it is to be declined."""

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


def load_retrieval(
    folder: Path,
    split: str | None = None,
    limit: int | None = None,
    half: Half | None = None,
    query_language: str | None = None,
) -> RetrievalSet:
    """Read a BEIR folder: ``corpus.jsonl``, ``queries.jsonl`` (or .gz) and ``qrels/<split>.tsv``.

    Without a split the folder's only one is taken. ``limit`` keeps the first judged queries; the
    corpus stays whole. ``half`` keeps those whose id falls into it: tune on one, report the other.
    ``query_language`` takes ``queries.<language>.jsonl``. Raises :class:`BadData`.
    """
    corpus_file = _find(folder, "corpus")
    qrels = _qrels_file(folder, split)
    relevant: dict[str, dict[str, int]] = {}
    with qrels.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            relevant.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    stem = f"queries.{query_language}" if query_language else "queries"
    texts = {row["_id"]: row["text"] for row in _rows(_find(folder, stem))}
    judged = [q for q in relevant if q in texts and half in (None, half_of(q))][:limit]
    if not judged:
        raise BadData(f"{qrels} judges no query of {folder}.")
    return RetrievalSet(
        name=folder.resolve().name,
        split=qrels.stem,
        checksum=_checksum([corpus_file]),
        corpus=[Text(r["_id"], r.get("title") or "", r["text"]) for r in _rows(corpus_file)],
        queries={query: texts[query] for query in judged},
        relevant={query: relevant[query] for query in judged},
        half=half,
        query_language=query_language,
    )


def half_of(query_id: str) -> Half:
    """Return the half that a query is in for good, by the first byte of SHA-256 of its id."""
    return "b" if hashlib.sha256(query_id.encode()).digest()[0] & 1 else "a"


def load_answers(
    folder: Path, limit: int | None, seed: int | None = None, without: str | None = None
) -> AnswerSet:
    """Read ``qna.jsonl`` (``id question answer gold_docs``) and the files it speaks of.

    ``limit`` keeps the first questions, or as many drawn by ``seed``; the files stay all but those
    whose names match ``without``, as ``*2023*``: who asks about these only is to be told that there
    is nothing. The files may lie in the folder or below it. Raises :class:`BadData`.
    """
    rows = list(_rows(_find(folder, "qna")))
    questions = [
        Question(row["id"], row["question"], row["answer"], frozenset(row["gold_docs"]))
        for row in rows
    ]
    by_name = {path.name: path for path in sorted(folder.rglob("*")) if path.is_file()}
    suffixes = {Path(name).suffix for question in questions for name in question.gold}
    missing = {name for question in questions for name in question.gold} - by_name.keys()
    if missing:
        raise BadData(f"{folder} lacks the documents {', '.join(sorted(missing)[:5])}.")
    left_out = {name for name in by_name if without and fnmatch(name, without)}
    questions = [replace(each, gold=each.gold - left_out) for each in questions]
    files = [
        path for name, path in by_name.items() if path.suffix in suffixes and name not in left_out
    ]
    if not files:
        raise BadData(f"Of the files of {folder} none is left without {without}.")
    if seed is not None:
        random.Random(seed).shuffle(questions)  # noqa: S311 - no secret
    return AnswerSet(folder.resolve().name, _checksum(files), files, questions[:limit])


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
