"""Files are jobs too; documents may be URLs; artifacts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TIMES = ("lease_until", "started_at", "ended_at")
_JSON = ("quality", "error", "reading", "text_pages")
_ARTIFACT = (
    *("id", "workspace_id", "token_hash", "type", "title"),
    *("checksum", "blob_key", "visibility"),
)


def upgrade() -> None:
    for column in _file_columns():
        op.add_column("files", column)
    where = sa.text("status IN ('pending', 'processing')")
    op.create_index(
        "ix_files_unfinished", "files", ["workspace_id", "created_at"], postgresql_where=where
    )
    op.add_column("documents", sa.Column("source_url", sa.String(), nullable=True))
    # Code of before revision 3 writes bases without it.
    op.alter_column("knowledge_bases", "has_vector_index", server_default=sa.false())
    op.create_table(
        "artifacts",
        *(sa.Column(name, sa.String(), nullable=False) for name in _ARTIFACT),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(), nullable=True),
        *(
            sa.Column(
                name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
            )
            for name in ("created_at", "updated_at")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_artifacts_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifacts")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_artifacts_token_hash")),
    )
    op.create_index(op.f("ix_artifacts_workspace_id"), "artifacts", ["workspace_id"])


def _file_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("progress", sa.Float(), nullable=False, server_default="0"),
        sa.Column("pages_done", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("pages_total", sa.Integer(), nullable=True),
        sa.Column("text_length", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("stage", "lease_owner")),
        sa.Column("text_key", sa.String(), nullable=True),
        *(sa.Column(name, postgresql.JSONB(), nullable=True) for name in _JSON),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in _TIMES),
    ]


def downgrade() -> None:
    op.drop_table("artifacts")
    op.alter_column("knowledge_bases", "has_vector_index", server_default=None)
    op.drop_column("documents", "source_url")
    op.drop_index("ix_files_unfinished", "files")
    for column in _file_columns():
        op.drop_column("files", column.name)
