"""Indexes by which a filter asks documents first, and reads only chunks with their own metadata."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_chunks_plain",
        "chunks",
        ["document_id"],
        postgresql_include=["no", "workspace_id"],
        postgresql_where=sa.text("enabled AND metadata = '{}'::jsonb"),
    )
    op.create_index(
        "ix_chunks_own_metadata",
        "chunks",
        ["base_id"],
        postgresql_where=sa.text("metadata <> '{}'::jsonb"),
    )


def downgrade() -> None:
    op.drop_index("ix_chunks_own_metadata", "chunks")
    op.drop_index("ix_chunks_plain", "chunks")
