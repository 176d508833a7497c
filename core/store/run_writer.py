"""Writes what becomes of runs: that they begin, how their blocks end, how they end.

What runs that go on side by side come to is one statement, one round trip and one commit, above
workspaces and on a connection of its own. It holds no lock while it waits for another: what cannot
be done at once is not done, and the caller is told.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from core.batches import Batcher
from core.ids import new_id
from core.store.base import apply_defaults
from core.store.driver import Ask
from core.store.executions import Execution, set_ended

_Kind = Literal["begun", "block", "ended"]
_Key = tuple[str, str]  # workspace and id
# Each finds rows by their keys one by one, however the planner counts them: a table that was
# filled a moment ago has no statistics.
_PARTS: Final[dict[_Kind, str]] = {
    "begun": """
        INSERT INTO executions (
            id, workspace_id, log_id, workflow_id, version, definition, options, trigger, input,
            created_by, status, started_at, lease_owner, lease_until, recoveries,
            cancel_requested, output
        )
        SELECT r.id, r.workspace_id, r.log_id, r.workflow_id, r.version, deployed.definition,
            r.options, r.trigger, coalesce(r.input, 'null'), r.created_by, r.status, r.started_at,
            r.lease_owner, r.lease_until, 0, false, 'null'
        FROM jsonb_to_recordset({values}::jsonb) AS r (
            id text, workspace_id text, log_id text, workflow_id text, version int, options jsonb,
            trigger text, input jsonb, created_by text, status text, started_at timestamptz,
            lease_owner text, lease_until timestamptz
        )
        CROSS JOIN LATERAL (
            SELECT v.definition
            FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id
            WHERE w.id = r.workflow_id AND w.workspace_id = r.workspace_id
                AND w.deployed_version = r.version AND v.number = r.version
            OFFSET 0
        ) AS deployed
        ON CONFLICT DO NOTHING RETURNING workspace_id, id, created_at AS moment
    """,
    "block": """
        INSERT INTO block_logs (
            id, execution_id, workspace_id, block_id, block_name, block_type, execution_order,
            iteration, attempt, status, started_at, ended_at, input, output, sealed_output,
            error_message, error_code, usage, cost, values_key
        )
        SELECT r.id, r.execution_id, r.workspace_id, r.block_id, r.block_name, r.block_type,
            r.execution_order, r.iteration, r.attempt, r.status, r.started_at, r.ended_at,
            coalesce(r.input, 'null'), coalesce(r.output, 'null'), r.sealed_output,
            r.error_message, r.error_code, r.usage, r.cost, r.values_key
        FROM jsonb_to_recordset({values}::jsonb) AS r (
            id text, workspace_id text, execution_id text, owner text, block_id text,
            block_name text, block_type text, execution_order int, iteration text, attempt int,
            status text, started_at timestamptz, ended_at timestamptz, input jsonb, output jsonb,
            sealed_output text, error_message text, error_code text, usage jsonb, cost float,
            values_key text
        )
        CROSS JOIN LATERAL (
            SELECT FROM executions
            WHERE workspace_id = r.workspace_id AND id = r.execution_id AND status = 'running'
                AND lease_owner = r.owner
            OFFSET 0
        ) AS e
        ON CONFLICT (workspace_id, execution_id, block_id, iteration, attempt) DO NOTHING
        RETURNING workspace_id, id, ended_at AS moment
    """,
    "ended": """
        UPDATE executions e
        SET status = r.status, cost = r.cost, output = coalesce(r.output, e.output),
            error = coalesce(r.error, e.error), usage = coalesce(r.usage, e.usage),
            ended_at = clock_timestamp(), lease_owner = NULL, lease_until = NULL,
            updated_at = now()
        FROM jsonb_to_recordset({values}::jsonb) AS r (
            id text, workspace_id text, owner text, status text, cost float, output jsonb,
            error jsonb, usage jsonb
        )
        CROSS JOIN LATERAL (
            SELECT workspace_id, id FROM executions
            WHERE id = r.id AND workspace_id = r.workspace_id AND lease_owner = r.owner
                AND status = 'running'
            OFFSET 0 FOR NO KEY UPDATE SKIP LOCKED
        ) AS mine
        WHERE e.workspace_id = mine.workspace_id AND e.id = mine.id
        RETURNING e.workspace_id, e.id, e.ended_at AS moment
    """,
}


class _Entry(NamedTuple):
    kind: _Kind
    row: dict[str, Any]  # plain JSON


class RunWriter:
    """``ask`` puts a statement to the database above workspaces, committed when it returns."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._batches: Batcher[_Entry, datetime | None] = Batcher(
            self._write_all, owner_of=lambda entry: entry.row["workspace_id"]
        )

    async def begin(self, run: Execution) -> bool:
        """Add a run of a workflow's deployed version, whose definition is frozen from there.

        False, and nothing added, where the version is not, or no longer, the one that is deployed
        in the run's workspace, or its id is taken there.
        """
        apply_defaults(run)
        moment = await self._batches.ask(_Entry("begun", _beginning(run)))
        if moment is not None:
            run.created_at = run.updated_at = moment
        return moment is not None

    async def write_block(self, run: Execution, owner: str, row: dict[str, Any]) -> bool:
        """Write how a block ended, once, while the run is running in its owner's hands.

        ``row`` is plain JSON. False, and nothing written, when the run was taken away or the block
        is written already. Durable when it returns.
        """
        keys = {"id": new_id("log"), "workspace_id": run.workspace_id, "execution_id": run.id}
        keys["owner"] = owner
        return await self._batches.ask(_Entry("block", {**keys, **row})) is not None

    async def finish(self, run: Execution, owner: str, end: dict[str, Any]) -> bool:
        """End a running run of its owner's, also on the object, as ``Executions.finish`` does.

        False, and nothing written, when it is not running there, or somebody holds its row.
        """
        keys = {"id": run.id, "workspace_id": run.workspace_id, "owner": owner}
        moment = await self._batches.ask(_Entry("ended", {**keys, **end}))
        if moment is not None:
            set_ended(run, end, moment)
        return moment is not None

    async def _write_all(self, entries: Sequence[_Entry]) -> list[datetime | None]:
        # Of equal ids the first alone is put: what comes of it is not the others'.
        by_kind: dict[_Kind, dict[_Key, dict[str, Any]]] = {}
        for kind, row in entries:
            by_kind.setdefault(kind, {}).setdefault(_key(row), row)
        values = [json.dumps(list(rows.values())) for rows in by_kind.values()]
        answer = await self._ask(_statement(*by_kind), values)
        done = {(kind, (workspace_id, row_id)): at for kind, workspace_id, row_id, at in answer}
        return [
            done.get((kind, _key(row))) if by_kind[kind][_key(row)] is row else None
            for kind, row in entries
        ]


def _key(row: dict[str, Any]) -> _Key:
    return row["workspace_id"], row["id"]


@lru_cache
def _statement(*kinds: _Kind) -> str:
    parts = [
        f"{kind} AS ({_PARTS[kind].format(values=f'${at}')})" for at, kind in enumerate(kinds, 1)
    ]
    done = " UNION ALL ".join(f"SELECT '{kind}', * FROM {kind}" for kind in kinds)  # noqa: S608
    return f"WITH {', '.join(parts)} {done}"


def _beginning(run: Execution) -> dict[str, Any]:
    return {
        "id": run.id,
        "workspace_id": run.workspace_id,
        "log_id": run.log_id,
        "workflow_id": run.workflow_id,
        "version": run.version,
        "options": run.options,
        "trigger": run.trigger,
        "input": run.input,
        "created_by": run.created_by,
        "status": run.status,
        "started_at": run.started_at and run.started_at.isoformat(),
        "lease_owner": run.lease_owner,
        "lease_until": run.lease_until and run.lease_until.isoformat(),
    }
