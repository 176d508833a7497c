"""How well this service listens: clips with a transcript, and such as hold no speech."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config import Settings
from core.errors import NuxaError
from core.models.speech.door import Listener, open_speech, require_listener
from core.models.speech.local import decode
from core.models.speech.pcm import LISTENING_RATE, seconds_of
from core.models.speech.providers import LOCAL
from evals.cases import BadData
from evals.word_errors import word_errors, words_of


@dataclass(frozen=True)
class Clip:
    """``text`` None: nobody wrote down what is said; empty: nothing is."""

    file: Path
    name: str
    text: str | None
    is_raw: bool


def load(data: Path) -> list[Clip]:
    """Return the clips that ``manifest.jsonl`` lists; raises ``BadData`` where there is none.

    Those whose transcript its own makers doubt are left out.
    """
    manifest = data / "manifest.jsonl"
    if not manifest.is_file():
        raise BadData(f"{manifest} is missing: one JSON object a line, with file and text.")
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines() if line]
    return [
        Clip(data / row["file"], row["file"], row["text"], row["file"].endswith(".raw"))
        for row in rows
        if not row.get("suspect_transcript")
    ]


async def run(settings: Settings, clips: list[Clip]) -> dict[str, Any]:
    """Return each clip's outcome, and the word error rate over all that have words."""
    require_listener(settings)
    listener = open_speech(settings, LOCAL, None).listener
    await listener.transcribe(bytes(LISTENING_RATE * 2), "en")  # loads the model
    rows = [await _heard(listener, clip) for clip in clips]
    with_words = [row for row in rows if row["words"]]
    words = sum(row["words"] for row in with_words)
    silent = [row for row, clip in zip(rows, clips, strict=True) if clip.text == ""]
    return {
        "model": settings.speech_to_text_model,
        "clips": rows,
        "words": words,
        "errors": sum(row["errors"] for row in with_words),
        "wordErrorRate": sum(row["errors"] for row in with_words) / max(words, 1),
        "realTimeFactor": sum(r["took"] for r in rows) / max(sum(r["seconds"] for r in rows), 1e-9),
        "silent": {"right": sum(not row["heard"] for row in silent), "of": len(silent)},
    }


async def _heard(listener: Listener, clip: Clip) -> dict[str, Any]:
    row: dict[str, Any] = {"file": clip.name, "words": 0, "errors": 0, "seconds": 0.0, "took": 0.0}
    try:
        pcm = clip.file.read_bytes() if clip.is_raw else await asyncio.to_thread(decode, clip.file)
    except NuxaError as error:
        return row | {"heard": "", "refused": f"{error.code}: {error.message}"}
    began = time.perf_counter()
    text = await listener.transcribe(pcm, "en")
    row |= {"heard": text, "took": time.perf_counter() - began}
    row["seconds"] = seconds_of(pcm, LISTENING_RATE)
    expected = words_of(clip.text or "")
    errors = word_errors(expected, words_of(text)) if expected else 0
    return row | {"words": len(expected), "errors": errors}


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return the report as lines to print."""
    shown = [
        f"{row['errors']:3} / {row['words']:<3} {row['took']:6.2f} s  {row['file']}  "
        f"{row.get('refused') or row['heard'] or '(nothing)'}"
        for row in found["clips"]
    ]
    rate, silent = found["wordErrorRate"], found["silent"]
    return [
        *shown,
        f"{found['model']}: word error rate {rate:.3f} ({found['errors']} of {found['words']} "
        f"words), real-time factor {found['realTimeFactor']:.2f}, "
        f"clips without speech heard as such: {silent['right']} of {silent['of']}",
    ]
