"""How well scans are read: words and characters that are right, fields that are found."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import numpy as np

from evals.cases import BadData
from evals.scratch import progress_bar
from ingest.failures import ParseFailed
from ingest.parser import Parser

_TURNS: Final = (90, 180, 270)  # degrees, clockwise
_AS_WELL: Final = 0.95  # of the upright page's word recall: the turned page was read
_PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"})
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True)
class Scan:
    """A file with what stands on it; ``fields`` are texts that must be found as they are."""

    group: str
    file: Path
    text: str
    fields: Mapping[str, str] = field(default_factory=dict)


def load(data: Path) -> list[Scan]:
    """Return the scans below a folder.

    Each ``X.gold.txt`` is the text of every other file of the name ``X``; a ``gold.jsonl`` names
    images with ``lines`` (``[{text}]``) and ``fields``. Raises ``BadData`` where there is neither.
    """
    scans = [scan for gold in sorted(data.rglob("*.gold.txt")) for scan in _pages(gold)]
    for gold in sorted(data.rglob("gold.jsonl")):
        rows = [json.loads(row) for row in gold.read_text(encoding="utf-8").splitlines() if row]
        scans += [_form(gold.parent, row) for row in rows]
    if not scans:
        raise BadData(f"{data} holds no X.gold.txt beside scans and no gold.jsonl.")
    return scans


def _pages(gold: Path) -> Iterator[Scan]:
    stem, text = gold.name.removesuffix(".gold.txt"), gold.read_text(encoding="utf-8")
    for file in sorted(gold.parent.iterdir()):
        if file.stem == stem and file != gold:
            yield Scan("pages", file, text)


def _form(folder: Path, row: dict[str, Any]) -> Scan:
    text = "\n".join(line["text"] for line in row["lines"])
    return Scan("forms", folder / row["image"], text, row.get("fields", {}))


async def run(scans: Sequence[Scan], languages: str, dataset: str, turned: bool) -> dict[str, Any]:
    """Read every scan through the service's own parser, pictures of pages turned as well."""
    parser = Parser(languages=languages)
    rows = []
    try:
        with progress_bar() as bar:
            task = bar.add_task("reading", total=len(scans))
            for scan in scans:
                row = await _read(parser, scan)
                if turned and scan.group == "pages" and scan.file.suffix.lower() in _PICTURES:
                    row["turned"] = await _read_turned(parser, scan, row["wordRecall"])
                rows.append(row)
                bar.advance(task)
    finally:
        await parser.close()
    return {"dataset": dataset, "languages": languages, **_measures(rows), "files": rows}


async def _read(parser: Parser, scan: Scan, path: Path | None = None) -> dict[str, Any]:
    began = time.perf_counter()
    row: dict[str, Any] = {"file": scan.file.name, "group": scan.group, "refused": None}
    text, confidence = "", None
    try:
        document = await parser.parse(path or scan.file, scan.file.name)
        text, confidence = document.text, document.ocr_confidence
    except ParseFailed as failed:
        row["refused"] = f"{failed.code}: {failed.message}"
    seconds = round(time.perf_counter() - began, 2)
    found = {name: _plain(value) in _plain(text) for name, value in scan.fields.items()}
    row |= {"seconds": seconds, "confidence": confidence, "fields": found}
    return row | figures(scan.text, text)


async def _read_turned(parser: Parser, scan: Scan, upright: float) -> dict[str, bool]:
    """Return for each way the page is turned whether it was read about as well as upright."""
    from PIL import Image

    read = {}
    with tempfile.TemporaryDirectory() as folder, Image.open(scan.file) as image:
        for degrees in _TURNS:
            path = Path(folder) / f"turned-{degrees}.png"
            image.convert("L").rotate(-degrees, expand=True, fillcolor=255).save(path)
            row = await _read(parser, scan, path)
            read[str(degrees)] = row["wordRecall"] >= _AS_WELL * upright > 0
    return read


def figures(expected: str, found: str) -> dict[str, float]:
    """Return word recall (words in any order, each as often as expected), and the error rates.

    An error rate is the number of words, or characters, to replace, remove or add (Levenshtein
    1966) over those expected, in the text's order and without regard to case and white space.
    """
    wanted, seen = _WORD.findall(expected.lower()), _WORD.findall(found.lower())
    both = Counter(wanted) & Counter(seen)
    letters, read = _plain(expected), _plain(found)
    return {
        "wordRecall": both.total() / max(len(wanted), 1),
        "wordErrorRate": _edits(wanted, seen) / max(len(wanted), 1),
        "characterErrorRate": _edits(letters, read) / max(len(letters), 1),
    }


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _edits(expected: Sequence[str], found: Sequence[str]) -> int:
    """Return the least number of edits, a row of the table at a time."""
    numbers: dict[str, int] = {}
    codes = np.array([numbers.setdefault(item, len(numbers)) for item in found], np.int64)
    places = np.arange(len(found) + 1)
    row = places.copy()
    for i, item in enumerate(expected, 1):
        cost = codes != numbers.get(item, -1)
        new = np.concatenate([[i], np.minimum(row[:-1] + cost, row[1:] + 1)])
        row = np.minimum.accumulate(new - places) + places  # what comes from the left
    return int(row[-1])


def _measures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the means of each group of scans as shares of what is right, and counts."""
    groups = sorted({row["group"] for row in rows})
    means = {group: _means([row for row in rows if row["group"] == group]) for group in groups}
    names = sorted({name for row in rows for name in row["fields"]})
    counts = {f"field {name}": _count([r["fields"].get(name) for r in rows]) for name in names}
    turned = _count([is_read for row in rows for is_read in row.get("turned", {}).values()])
    return {"modes": means, **counts, **({"turnedRead": turned} if turned["of"] else {})}


def _means(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    return {
        "wordRecall": fmean(row["wordRecall"] for row in rows),
        "wordAccuracy": fmean(max(0.0, 1 - row["wordErrorRate"]) for row in rows),
        "characterAccuracy": fmean(max(0.0, 1 - row["characterErrorRate"]) for row in rows),
    }


def _count(outcomes: Sequence[bool | None]) -> dict[str, int]:
    known = [outcome for outcome in outcomes if outcome is not None]
    return {"right": sum(known), "of": len(known)}


def has_unread(found: Mapping[str, Any]) -> bool:
    """Whether a scan was refused, or a page not read because of the way it lay."""
    turned = found.get("turnedRead", {"right": 0, "of": 0})
    return turned["right"] < turned["of"] or any(row["refused"] for row in found["files"])
