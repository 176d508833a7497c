"""MCP servers and OpenAPI documents that a workspace's tools come from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025"
down_revision = "0020"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "tool_sources",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("id", "workspace_id", "name")),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("document_url", sa.String(), nullable=True),
        sa.Column("sealed_headers", sa.String(), nullable=True),
        sa.Column("trust_read_only", sa.Boolean(), nullable=False),
        sa.Column("tools", JSONB(), nullable=False),
        sa.Column("left_out", JSONB(), nullable=False),
        sa.Column("refreshed_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.String(), nullable=True),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_tool_sources_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tool_sources")),
        sa.UniqueConstraint("workspace_id", "name", name=op.f("uq_tool_sources_workspace_id_name")),
    )


def downgrade() -> None:
    op.drop_table("tool_sources")
