"""Ids of runs are unique in their workspace only; each run has an id of ours for its event log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_PLACE = ("execution_id", "block_id", "iteration")
# Table, column that names a run, its unique columns, and that constraint's names before and after.
_OF_RUNS = (
    (
        "block_logs",
        "execution_id",
        (*_PLACE, "attempt"),
        "uq_block_logs_execution_id_block_id_iteration_attempt",
        "uq_block_logs_place",
    ),
    (
        "pauses",
        "execution_id",
        _PLACE,
        "uq_pauses_execution_id_block_id_iteration",
        "uq_pauses_workspace_id_execution_id_block_id_iteration",
    ),
    (
        "sent_webhooks",
        "execution_id",
        _PLACE,
        "uq_sent_webhooks_execution_id_block_id_iteration",
        "uq_sent_webhooks_workspace_id_execution_id_block_id_iteration",
    ),
    (
        "executions",
        "parent_id",
        ("parent_id", "parent_place"),
        "uq_executions_parent_id_parent_place",
        "uq_executions_workspace_id_parent_id_parent_place",
    ),
)


def upgrade() -> None:
    # The default stays: a process of the revision before names none.
    own = sa.text("'log_' || replace(gen_random_uuid()::text, '-', '')")
    op.add_column(
        "executions", sa.Column("log_id", sa.String(), server_default=own, nullable=False)
    )
    for table, column, unique, old, new in _OF_RUNS:
        op.drop_constraint(f"fk_{table}_{column}", table)
        op.drop_constraint(old, table)
        op.create_unique_constraint(new, table, ["workspace_id", *unique])
    op.drop_constraint("pk_executions", "executions")
    op.create_primary_key("pk_executions", "executions", ["workspace_id", "id"])
    for table, column, *_ in _OF_RUNS:
        op.create_foreign_key(
            f"fk_{table}_workspace_id_{column}",
            table,
            "executions",
            ["workspace_id", column],
            ["workspace_id", "id"],
            ondelete="CASCADE",
        )


def downgrade() -> None:
    """Fails where two workspaces have runs of one id: delete one of them first."""
    for table, column, *_ in _OF_RUNS:
        op.drop_constraint(f"fk_{table}_workspace_id_{column}", table)
    op.drop_constraint("pk_executions", "executions")
    op.create_primary_key("pk_executions", "executions", ["id"])
    for table, column, unique, old, new in _OF_RUNS:
        op.drop_constraint(new, table)
        op.create_unique_constraint(old, table, list(unique))
        name = f"fk_{table}_{column}"
        op.create_foreign_key(name, table, "executions", [column], ["id"], ondelete="CASCADE")
    op.drop_column("executions", "log_id")
