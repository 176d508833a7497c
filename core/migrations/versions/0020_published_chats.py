"""Workflows that are published as chats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "published_chats",
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("greeting", sa.String(), nullable=True),
        sa.Column("memory_messages", sa.Integer(), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [f"{parent}_id"],
                [f"{parent}s.id"],
                name=op.f(f"fk_published_chats_{parent}_id"),
                ondelete="CASCADE",
            )
            for parent in ("workflow", "workspace")
        ),
        sa.PrimaryKeyConstraint("workflow_id", name=op.f("pk_published_chats")),
    )
    op.create_index(op.f("ix_published_chats_workspace_id"), "published_chats", ["workspace_id"])


def downgrade() -> None:
    op.drop_table("published_chats")
