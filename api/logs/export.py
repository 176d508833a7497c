"""Runs as a file: a JSON object a line, or a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from api.access import READ
from api.call import Call, Reply
from api.endpoint import Media, endpoint
from api.logs.routes import fields_of
from api.logs.schemas import ExportQuery, LogEntry
from core.store.executions import Execution
from core.store.pages import PageRequest

_PAGE: Final = 200
_TYPES: Final = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
_COLUMNS: Final = [field.alias or name for name, field in LogEntry.model_fields.items()]
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


@endpoint(
    "GET",
    "/api/logs/export",
    access=READ,
    answers={200: (Media("application/x-ndjson"), Media("text/csv"))},
)
async def export_logs(call: Call, query: ExportQuery) -> Reply:
    """Return the runs that a list with these filters would show, newest first, as a file."""
    headers = {
        "Content-Type": _TYPES[query.format],
        "Content-Disposition": f'attachment; filename="runs.{query.format}"',
    }
    return Reply(headers=headers, stream=_written(call, query))


async def _written(call: Call, query: ExportQuery) -> AsyncIterator[bytes]:
    """Yield a page at a time, each read in a transaction of its own."""
    write = _line if query.format == "jsonl" else _row
    if query.format == "csv":
        yield _table([_COLUMNS])
    after, found_by = None, query.found_by()
    while True:
        async with call.services.store.unit(call.workspace_id) as unit:
            page = await unit.executions.page(found_by, PageRequest(_PAGE, after))
        yield b"".join(write(row) for row in page.rows)
        after = page.next
        if after is None:
            return


def _line(row: Execution) -> bytes:
    return LogEntry(**fields_of(row)).model_dump_json(by_alias=True).encode() + b"\n"


def _row(row: Execution) -> bytes:
    entry = LogEntry(**fields_of(row)).model_dump(mode="json", by_alias=True)
    return _table([[_cell(entry[name]) for name in _COLUMNS]])


def _cell(value: Any) -> str:
    """Return a value as a cell; one that a spreadsheet would compute is quoted as a text."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULAS) else text


def _table(rows: list[list[str]]) -> bytes:
    target = io.StringIO()
    csv.writer(target).writerows(rows)
    return target.getvalue().encode()
