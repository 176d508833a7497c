"""Asks case after case, for as long as there is time, and goes on where a run was cut short."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from evals.cases import BadData
from evals.scratch import progress_bar

Row = dict[str, Any]


class Case(Protocol):
    """What has an id, which is its row's ``id`` as well."""

    @property
    def id(self) -> str: ...


_Case = TypeVar("_Case", bound=Case)


async def each(
    cases: Sequence[_Case],
    ask: Callable[[_Case], Awaitable[Row]],
    minutes: float | None,
    rows: Sequence[Row] = (),
    keep: Callable[[list[Row]], None] | None = None,
) -> list[Row]:
    """Return the rows there were and those of the cases not among them, until time is up.

    ``keep`` is given the rows after each case that took a second: a run that is killed loses none.
    """
    found, known = list(rows), {row["id"] for row in rows}
    deadline = time.monotonic() + minutes * 60 if minutes is not None else None
    with progress_bar() as bar:
        task = bar.add_task("asking", total=len(cases))
        for case in cases:
            if case.id not in known:
                if deadline is not None and time.monotonic() > deadline:
                    break
                began = time.monotonic()
                found.append(await ask(case))
                if keep is not None and time.monotonic() - began > 1:
                    keep(found)
            bar.advance(task)
    return found


def keeper(json_file: Path | None, model: str) -> Callable[[list[Row]], None] | None:
    """Return what writes rows to the file that :func:`before` reads."""
    if json_file is None:
        return None

    def keep(rows: list[Row]) -> None:
        draft = json_file.with_suffix(".part")
        draft.write_text(json.dumps({"model": model, "rows": rows}), encoding="utf-8")
        draft.rename(json_file)

    return keep


@dataclass(frozen=True)
class SoFar:
    """How long there is to ask, what was asked before, and what keeps what is asked."""

    minutes: float | None
    rows: Sequence[Row]
    keep: Callable[[list[Row]], None] | None

    @classmethod
    def of(cls, minutes: float | None, json_file: Path | None, model: str, resume: bool) -> SoFar:
        """Return where a run begins that is kept in a file; raises :class:`BadData`."""
        return cls(minutes, answered_before(json_file, model, resume), keeper(json_file, model))


def answered_before(json_file: Path | None, model: str, resume: bool) -> list[Row]:
    """Return the answers of an earlier run of the same model, whole or cut short."""
    if not resume or json_file is None or not json_file.is_file():
        return []
    found = _written(json_file)
    rows = found.get("answers") or [row for row in found["rows"] if "citations" in row]
    return list(rows) if found.get("model") == model else []


def before(json_file: Path | None, model: str, resume: bool) -> list[Row]:
    """Return the rows of an earlier run of the same model, where it is to be gone on with."""
    if not resume or json_file is None or not json_file.is_file():
        return []
    found = _written(json_file)
    return list(found.get("rows", ())) if found.get("model") == model else []


def _written(json_file: Path) -> dict[str, Any]:
    """Return what a run wrote; raises :class:`BadData` for what none did."""
    try:
        found = json.loads(json_file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadData(f"{json_file} is no report to go on with: {error}") from None
    if not isinstance(found, dict) or not any(found.get(key) for key in ("rows", "answers")):
        raise BadData(f"{json_file} holds no rows to go on with; begin without --resume.")
    return found
