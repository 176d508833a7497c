"""The postings of a large base's words, packed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_NOS = postgresql.ARRAY(sa.BigInteger())


def upgrade() -> None:
    op.create_table(
        "packings",
        sa.Column("no", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("base_no", sa.BigInteger(), nullable=False),
        sa.Column("first_no", sa.BigInteger(), nullable=True),
        sa.Column("last_no", sa.BigInteger(), nullable=True),
        sa.Column("chunk_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("gone", sa.LargeBinary(), server_default=sa.text("''"), nullable=False),
        sa.Column("rewritten", _NOS, server_default=sa.text("'{}'"), nullable=False),
        _of("packings", "base_no", "knowledge_bases.no"),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_packings")),
    )
    op.create_index(op.f("ix_packings_base_no"), "packings", ["base_no"])
    op.create_table(
        "packed_words",
        sa.Column("packing_no", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("postings", sa.LargeBinary(), nullable=False),
        _of("packed_words", "packing_no", "packings.no"),
        sa.PrimaryKeyConstraint("packing_no", "term", name=op.f("pk_packed_words")),
    )
    # Compressing them gains little, and unpacking would cost more than reading.
    op.execute("ALTER TABLE packed_words ALTER COLUMN postings SET STORAGE EXTERNAL")


def downgrade() -> None:
    """They are made again when they are missing."""
    op.drop_table("packed_words")
    op.drop_table("packings")


def _of(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [other], name=name, ondelete="CASCADE")
