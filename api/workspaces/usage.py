"""What a workspace holds, and what it has used in a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pydantic import Field

from api.access import READ
from api.call import Call
from api.endpoint import endpoint
from api.wire import Moment, Wire
from core.errors import ValidationFailed
from core.store.base import now
from core.store.usage import Used

_DEFAULT = timedelta(days=30)
_LONGEST = timedelta(days=366)


class UsageQuery(Wire):
    """``from`` is in the time, ``to`` is not; without them the last thirty days until now."""

    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")

    def bounds(self) -> tuple[datetime, datetime]:
        """Return the time's begin and end; raises ``ValidationFailed`` for one that is none."""
        until = self.until or now()
        since = self.since or until - _DEFAULT
        if not timedelta(0) < until - since <= _LONGEST:
            raise ValidationFailed("from must lie before to, by at most 366 days.")
        return since.astimezone(UTC), until.astimezone(UTC)


class Tokens(Wire):
    input: int
    output: int
    total: int


class DayUsage(Wire):
    """``cost`` is in US dollars, of the calls whose price is known."""

    date: date
    executions: int
    messages: int
    tokens: Tokens
    cost: float


class UsageAnswer(Wire):
    """What is held now, and what was used from ``from`` to ``to``; days are UTC's, idle ones are
    left away."""

    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    documents: int
    chunks: int
    files: int
    storage_bytes: int
    executions: dict[str, int]
    messages: dict[str, int]
    tokens: Tokens
    cost: float
    days: list[DayUsage]


@endpoint("GET", "/api/workspaces/<workspace_id>/usage", access=READ)
async def get_usage(call: Call, query: UsageQuery) -> UsageAnswer:
    """Count what the workspace holds, and its runs, answers, tokens and cost by day."""
    since, until = query.bounds()
    held = await call.unit.usage.held()
    runs = await call.unit.usage.runs(since, until)
    answers = await call.unit.usage.answers(since, until)
    both = [*runs, *answers]
    return UsageAnswer(
        since=since,
        until=until,
        documents=held.documents,
        chunks=held.chunks,
        files=held.files,
        storage_bytes=held.storage_bytes,
        executions=_by_status(runs),
        messages=_by_status(answers),
        tokens=_tokens(both),
        cost=_cost(both),
        days=_days(runs, answers),
    )


def _by_status(used: Sequence[Used]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for item in used:
        counts[item.status] += item.count
    return dict(counts)


def _days(runs: Sequence[Used], answers: Sequence[Used]) -> list[DayUsage]:
    days = []
    for day in sorted({item.day for item in (*runs, *answers)}):
        run = [item for item in runs if item.day == day]
        said = [item for item in answers if item.day == day]
        days.append(
            DayUsage(
                date=day,
                executions=sum(item.count for item in run),
                messages=sum(item.count for item in said),
                tokens=_tokens([*run, *said]),
                cost=_cost([*run, *said]),
            )
        )
    return days


def _tokens(used: Sequence[Used]) -> Tokens:
    given = sum(item.input_tokens for item in used)
    made = sum(item.output_tokens for item in used)
    return Tokens(input=given, output=made, total=given + made)


def _cost(used: Sequence[Used]) -> float:
    return round(sum(item.cost for item in used), 6)
