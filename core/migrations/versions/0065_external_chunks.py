"""Chunks that another program wrote under ids of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "external_chunks",
        sa.Column("chunk_no", sa.BigInteger(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("base_id", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("vector_norm", sa.Double(), nullable=True),
        sa.Column("vector_set", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["chunk_no"],
            ["chunks.no"],
            name=op.f("fk_external_chunks_chunk_no"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["base_id"],
            ["knowledge_bases.id"],
            name=op.f("fk_external_chunks_base_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("chunk_no", name=op.f("pk_external_chunks")),
        sa.UniqueConstraint(
            "base_id", "external_id", name=op.f("uq_external_chunks_base_id_external_id")
        ),
    )


def downgrade() -> None:
    op.drop_table("external_chunks")
