"""``python -m evals.documents``: write the files below evals/data/formats from their sources."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Final

from evals.documents.flat_odf import render_text, render_workbook
from evals.documents.slides import write_slides
from evals.documents.source import Block, describe, parse_source
from evals.documents.web_page import render_page

DATA: Final = Path(__file__).parent.parent / "data" / "formats"
FORMATS: Final = {
    "annual-report": ("docx", "odt", "pdf", "converted.html"),
    "minutes": ("docx", "odt", "rtf", "doc"),
    "contract": ("docx", "rtf", "pdf"),
    "thesis": ("docx", "odt", "pdf", "html"),
    "price-list": ("docx", "rtf", "doc", "html"),
    "newsletter": ("odt", "pdf", "html"),
    "kickoff": ("pptx", "ppt"),
    "schulung": ("pptx",),
    "bilan": ("pptx",),
    "stock": ("xlsx",),
    "haushalt": ("xlsx", "xls"),
    "planning": ("xlsx",),
}


def main() -> None:
    """Write each document, by LibreOffice but for pages and slides, and the truth of all."""
    truth = {}
    waiting: dict[str, list[Path]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted((DATA / "sources").glob("*.txt")):
            name, kind = path.name.split(".")[0], Path(path.stem).suffix
            blocks = parse_source(path.read_text(encoding="utf-8"))
            truth[name] = describe(blocks).to_json()
            flat = _write(blocks, kind, Path(folder) / name)
            for target in FORMATS[name]:
                if target == "html":
                    _target(name, target).write_text(render_page(blocks), encoding="utf-8")
                elif target == flat.suffix[1:]:
                    shutil.copyfile(flat, _target(name, target))
                else:
                    waiting[target].append(flat)
        for target, flats in waiting.items():
            _convert(Path(folder), target, flats)
    text = json.dumps(truth, ensure_ascii=False, indent=1)
    (DATA / "truth.json").write_text(f"{text}\n", encoding="utf-8")


def _write(blocks: list[Block], kind: str, path: Path) -> Path:
    """Write the file that others are converted from."""
    if kind == ".slides":
        written = path.with_suffix(".pptx")
        write_slides(blocks, written)
    elif kind == ".sheets":
        written = path.with_suffix(".fods")
        written.write_text(render_workbook(blocks), encoding="utf-8")
    else:
        written = path.with_suffix(".fodt")
        written.write_text(render_text(blocks), encoding="utf-8")
    return written


def _target(name: str, target: str) -> Path:
    folder = DATA / target.rpartition(".")[2]
    folder.mkdir(exist_ok=True)
    return folder / f"{name}.{target}"


def _convert(folder: Path, target: str, flats: list[Path]) -> None:
    suffix = target.rpartition(".")[2]
    command = ["soffice", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless"]
    command += ["--convert-to", suffix, "--outdir", str(folder / "out"), *map(str, flats)]
    subprocess.run(command, check=True)  # noqa: S603 - our own files
    for flat in flats:
        shutil.move(folder / "out" / f"{flat.stem}.{suffix}", _target(flat.stem, target))


if __name__ == "__main__":
    main()
