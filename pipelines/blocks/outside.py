"""Runs of exported pipelines outside the service: a journal in memory, no secrets, no services."""

from __future__ import annotations

from typing import Any, NoReturn, cast

from pydantic import JsonValue

from core.errors import ValidationFailed
from core.ids import new_id
from core.services import Services
from pipelines.blocks.base import Context
from pipelines.blocks.level_execution import LevelExecution
from pipelines.scope import RunScope
from pipelines.trace import MemoryJournal, Trace


class _Unavailable:
    """Stands where the service would be."""

    def __getattr__(self, name: str) -> NoReturn:
        raise ValidationFailed("The block needs the service; run the workflow there.")


def begin_outside(given: JsonValue, variables: dict[str, JsonValue]) -> LevelExecution:
    """Return the execution of the outermost level of a pipeline that Haystack runs by itself."""
    unavailable = _Unavailable()
    scope = RunScope(dict(variables))
    context = Context(
        workspace_id="",
        workflow_id="",
        execution_id=new_id("exec"),
        block_id="",
        iteration=None,
        input=given,
        scope=scope,
        services=cast(Services, unavailable),
        emit=_ignore,
        pauses=cast(Any, unavailable),
        calls=cast(Any, unavailable),
    )
    trace = Trace(MemoryJournal(), _ignore, {})
    return LevelExecution(context, scope, trace, is_outside=True)


async def _ignore(kind: str, data: dict[str, JsonValue]) -> None:
    pass
