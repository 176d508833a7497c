"""Vectors in a narrow table of their own; an index of postings that holds the whole row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("chunks", "embedding")
    op.drop_index(op.f("ix_chunks_document_id"), "chunks")
    op.create_unique_constraint(
        op.f("uq_chunks_document_id_chunk_index"), "chunks", ["document_id", "chunk_index"]
    )
    op.create_table(
        "vectors",
        sa.Column("base_no", sa.BigInteger(), nullable=False),
        sa.Column("chunk_no", sa.BigInteger(), nullable=False),
        sa.Column("embedding", HALFVEC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["chunk_no"], ["chunks.no"], name=op.f("fk_vectors_chunk_no"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("base_no", "chunk_no", name=op.f("pk_vectors")),
    )
    op.create_index(op.f("ix_vectors_chunk_no"), "vectors", ["chunk_no"])
    op.add_column(
        "knowledge_bases",
        sa.Column("has_vector_index", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.alter_column("knowledge_bases", "has_vector_index", server_default=None)
    for table in ("chunks", "documents"):
        where = sa.text("NOT enabled")
        op.create_index(f"ix_{table}_disabled", table, ["base_id"], postgresql_where=where)
    # Vectors stay in the row up to 4,000 dimensions: out of line an exact scan is ten times slower.
    op.execute("ALTER TABLE vectors SET (toast_tuple_target = 8160)")
    # A fresh visibility map is what lets keyword search read the index alone.
    op.execute("ALTER TABLE postings SET (autovacuum_vacuum_insert_scale_factor = 0.05)")
    op.drop_constraint("pk_postings", "postings")
    op.execute(
        "ALTER TABLE postings ADD CONSTRAINT pk_postings"
        " PRIMARY KEY (base_no, term, chunk_no) INCLUDE (frequency, length)"
    )


def downgrade() -> None:
    op.drop_constraint("pk_postings", "postings")
    op.create_primary_key("pk_postings", "postings", ["base_no", "term", "chunk_no"])
    op.execute("ALTER TABLE postings RESET (autovacuum_vacuum_insert_scale_factor)")
    op.add_column("chunks", sa.Column("embedding", HALFVEC(), nullable=True))
    op.execute(
        "UPDATE chunks SET embedding = v.embedding FROM vectors v WHERE v.chunk_no = chunks.no"
    )
    op.alter_column("chunks", "embedding", nullable=False)
    op.drop_table("vectors")
    op.drop_column("knowledge_bases", "has_vector_index")
    op.drop_constraint("uq_chunks_document_id_chunk_index", "chunks")
    op.create_index(op.f("ix_chunks_document_id"), "chunks", ["document_id"])
    op.drop_index("ix_chunks_disabled", "chunks")
    op.drop_index("ix_documents_disabled", "documents")
