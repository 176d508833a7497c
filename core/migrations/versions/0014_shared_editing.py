"""Shared editing: the log of a workflow's edits, and its document for CRDT clients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "workflow_operations",
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("operation", postgresql.JSONB(), nullable=False),
        sa.Column("inverse", postgresql.JSONB(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("socket_id", sa.String(), nullable=True),
        *_timestamps(),
        _of_workflow("workflow_operations"),
        sa.PrimaryKeyConstraint("workflow_id", "version", name=op.f("pk_workflow_operations")),
        sa.UniqueConstraint(
            "workflow_id",
            "operation_id",
            name=op.f("uq_workflow_operations_workflow_id_operation_id"),
        ),
    )
    op.create_table(
        "workflow_documents",
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("state_number", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *_timestamps(),
        _of_workflow("workflow_documents"),
        sa.PrimaryKeyConstraint("workflow_id", name=op.f("pk_workflow_documents")),
    )
    op.create_table(
        "workflow_updates",
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("socket_id", sa.String(), nullable=True),
        *_timestamps(),
        _of_workflow("workflow_updates"),
        sa.PrimaryKeyConstraint("workflow_id", "number", name=op.f("pk_workflow_updates")),
    )


def downgrade() -> None:
    for table in ("workflow_updates", "workflow_documents", "workflow_operations"):
        op.drop_table(table)


def _of_workflow(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_workflow_id")
    return sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], name=name, ondelete="CASCADE")


def _timestamps() -> list[sa.Column[object]]:
    return [
        sa.Column(name, _MOMENT, server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    ]
