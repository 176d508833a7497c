"""Runs that pause, runs of runs, and webhooks that are sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("executions", sa.Column("paused_at", _MOMENT, nullable=True))
    op.add_column(
        "executions",
        sa.Column("paused_seconds", sa.Float(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("executions", sa.Column("parent_id", sa.String(), nullable=True))
    op.add_column("executions", sa.Column("parent_place", sa.String(), nullable=True))
    op.add_column(
        "executions", sa.Column("depth", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.create_foreign_key(
        op.f("fk_executions_parent_id"),
        "executions",
        "executions",
        ["parent_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_unique_constraint(
        op.f("uq_executions_parent_id_parent_place"), "executions", ["parent_id", "parent_place"]
    )
    op.create_table(
        "pauses",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("execution_id", sa.String(), nullable=False),
        sa.Column("block_id", sa.String(), nullable=False),
        sa.Column("iteration", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("shown", postgresql.JSONB(), nullable=False),
        sa.Column("due_at", _MOMENT, nullable=True),
        sa.Column("child_id", sa.String(), nullable=True),
        sa.Column("input", postgresql.JSONB(), nullable=False),
        *_timestamps(),
        _of_execution("pauses"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pauses")),
        sa.UniqueConstraint(
            "execution_id",
            "block_id",
            "iteration",
            name=op.f("uq_pauses_execution_id_block_id_iteration"),
        ),
    )
    waiting = sa.text("status = 'waiting'")
    op.create_index("ix_pauses_due_at", "pauses", ["due_at"], postgresql_where=waiting)
    op.create_index("ix_pauses_child_id", "pauses", ["child_id"], postgresql_where=waiting)
    op.create_table(
        "sent_webhooks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("execution_id", sa.String(), nullable=False),
        sa.Column("block_id", sa.String(), nullable=False),
        sa.Column("iteration", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", postgresql.JSONB(), nullable=False),
        *_timestamps(),
        _of_execution("sent_webhooks"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sent_webhooks")),
        sa.UniqueConstraint(
            "execution_id",
            "block_id",
            "iteration",
            name=op.f("uq_sent_webhooks_execution_id_block_id_iteration"),
        ),
    )


def downgrade() -> None:
    op.drop_table("sent_webhooks")
    op.drop_table("pauses")
    op.drop_constraint("uq_executions_parent_id_parent_place", "executions")
    op.drop_constraint("fk_executions_parent_id", "executions")
    for column in ("depth", "parent_place", "parent_id", "paused_seconds", "paused_at"):
        op.drop_column("executions", column)


def _of_execution(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_execution_id")
    return sa.ForeignKeyConstraint(
        ["execution_id"], ["executions.id"], name=name, ondelete="CASCADE"
    )


def _timestamps() -> list[sa.Column[object]]:
    return [
        sa.Column(name, _MOMENT, server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    ]
