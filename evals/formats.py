"""What becomes of files of many formats, and of malformed ones: text, or a reason why not."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from evals.cases import BadData
from evals.scratch import progress_bar
from ingest.document import ParsedDocument
from ingest.failures import ParseFailed, ParserCrashed, ParseTimeout
from ingest.limits import Limits
from ingest.parser import Parser

_EXPECTED: Final = ".expected.md"
_TRUTH: Final = "truth.json"
_SOURCES: Final = "sources"  # what documents were made from
_NOT_DOCUMENTS: Final = (_EXPECTED, _TRUTH, ".gold.txt", ".jsonl", "SHA256SUMS", "README.md")
BARS: Final = {"wordRecall": 0.97, "headingRecall": 0.9, "cellRecall": 0.9}
_SILENCE_SECONDS: Final = 60
_WORD: Final = re.compile(r"\w+")
_IMAGE: Final = re.compile(r"<!--.*?-->|!\[[^\]]*\]\([^)]*\)", re.DOTALL)
_RULE: Final = re.compile(r"\|?[\s|:-]+\|?")


@dataclass(frozen=True)
class Expected:
    """What is in a document: its text, headings, and the cells of its tables."""

    text: str
    headings: list[str]
    cells: list[str]

    @classmethod
    def of_markdown(cls, markdown: str) -> Expected:
        lines = _IMAGE.sub(" ", markdown).splitlines()
        rows = [line for line in lines if line.startswith("|") and not _RULE.fullmatch(line)]
        return cls(
            " ".join(lines),
            [line for line in lines if line.startswith("#")],
            [cell for row in rows for cell in row.strip("|").split("|")],
        )


@dataclass(frozen=True)
class File:
    """A file to be read; ``expected`` is what is in it, where somebody wrote that."""

    group: str
    path: Path
    expected: Expected | None = None


def load(data: Path) -> list[File]:
    """Return the files below a folder, each in the group of the first folder it lies in.

    ``X.expected.md`` is what ``X`` holds; a ``truth.json`` says it of all documents, by their names
    without what follows a dot. Raises ``BadData`` where there are no files.
    """
    path = data / _TRUTH
    truth = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found = [
        File(_group(data, path), path, _expected(path, truth))
        for path in sorted(data.rglob("*"))
        if path.is_file() and _is_document(path)
    ]
    if not found:
        raise BadData(f"{data} holds no files.")
    return found


def _is_document(path: Path) -> bool:
    return not path.name.endswith(_NOT_DOCUMENTS) and path.parent.name != _SOURCES


def _group(data: Path, path: Path) -> str:
    parts = path.relative_to(data).parts
    return parts[0] if len(parts) > 1 else data.resolve().name


def _expected(path: Path, truth: dict[str, Any]) -> Expected | None:
    if (found := truth.get(path.name.partition(".")[0])) is not None:
        return Expected(**found)
    beside = path.with_name(path.name + _EXPECTED)
    return Expected.of_markdown(beside.read_text(encoding="utf-8")) if beside.is_file() else None


async def run(files: Sequence[File], dataset: str) -> dict[str, Any]:
    """Read every file through the service's own parser and its limits."""
    parser = Parser(Limits(silence_seconds=_SILENCE_SECONDS))
    rows = []
    try:
        with progress_bar() as bar:
            task = bar.add_task("reading", total=len(files))
            for file in files:
                rows.append(await _outcome(parser, file))
                bar.advance(task)
    finally:
        await parser.close()
    return {"dataset": dataset, **_measures(rows), "files": rows}


async def _outcome(parser: Parser, file: File) -> dict[str, Any]:
    began = time.perf_counter()
    row: dict[str, Any] = {"file": file.path.name, "group": file.group, "characters": 0}
    row["isMeasured"] = file.expected is not None
    try:
        document = await parser.parse(file.path, file.path.name)
    except (ParserCrashed, ParseTimeout) as failed:
        row |= {"outcome": "broke", "reason": f"{failed.code}: {failed.message}"}
    except ParseFailed as failed:
        row |= {"outcome": "refused", "reason": f"{failed.code}: {failed.message}"}
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        row |= {"outcome": "broke", "reason": f"{type(error).__name__}: {error}"}
    else:
        row |= {"outcome": "read", "reason": "", "characters": len(document.text)}
        if file.expected is not None:
            row |= structure(file.expected, document)
    return row | {"seconds": round(time.perf_counter() - began, 2)}


def structure(expected: Expected, document: ParsedDocument) -> dict[str, float]:
    """Return shares of what is to be there that is: words, headings, cells of tables.

    A heading counts where a title of the document says the same, a cell where one of a table does.
    """
    titles = [e.text for e in document.elements if e.kind == "title"]
    tables = [e.text for e in document.elements if e.kind == "table"]
    found = {
        "wordRecall": _share(
            _WORD.findall(expected.text.lower()), _WORD.findall(document.text.lower())
        ),
        "headingRecall": _share(map(_words, expected.headings), map(_words, titles)),
        "cellRecall": _share(
            map(_words, expected.cells),
            [_words(cell) for table in tables for cell in re.split(r"[|\n]", table)],
        ),
    }
    return {name: share for name, share in found.items() if share is not None}


def means(found: dict[str, Any]) -> dict[str, float]:
    """Return the means of all files; a file that was not read has found nothing."""
    rows = [row for row in found["files"] if row["isMeasured"]]
    return {name: fmean([row.get(name, 0.0) for row in rows] or [0.0]) for name in BARS}


def _words(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def _share(wanted: Iterable[str], found: Iterable[str]) -> float | None:
    expected = Counter(item for item in wanted if item)
    return (expected & Counter(found)).total() / expected.total() if expected else None


def _measures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return by group how many files were read, and how many ended as they must: read or refused
    with a reason."""
    counts: dict[str, Any] = {}
    modes: dict[str, dict[str, float]] = {}
    for group in sorted({row["group"] for row in rows}):
        of = [row for row in rows if row["group"] == group]
        counts[f"{group}: read"] = _count([row["outcome"] == "read" for row in of])
        counts[f"{group}: read or refused"] = _count([row["outcome"] != "broke" for row in of])
        shares = {
            name: fmean(row[name] for row in of if name in row)
            for name in ("wordRecall", "headingRecall", "cellRecall")
            if any(name in row for row in of)
        }
        if shares:
            modes[group] = shares
    return {"modes": modes, **counts}


def _count(outcomes: Sequence[bool]) -> dict[str, int]:
    return {"right": sum(outcomes), "of": len(outcomes)}


def has_broken(found: dict[str, Any]) -> bool:
    """Whether a file ended neither read nor refused with a reason."""
    return any(row["outcome"] == "broke" for row in found["files"])
