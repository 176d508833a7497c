"""Changes of a base's embedding model, and the set of vectors that a base has since the last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_TABLE = "reembeddings"
_UNFINISHED = sa.text("status IN ('pending', 'processing')")


def upgrade() -> None:
    # NULL: its own number, as before; so that older code goes on writing bases.
    op.add_column("knowledge_bases", sa.Column("vector_set_no", sa.BigInteger(), nullable=True))
    op.create_table(
        _TABLE,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("base_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("vector_set", sa.BigInteger(), nullable=False),
        sa.Column("replaced_set", sa.BigInteger(), nullable=True),
        sa.Column("is_swept", sa.Boolean(), nullable=False),
        *_job(),
        *_references(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reembeddings")),
    )
    op.create_index(op.f("ix_reembeddings_base_id"), _TABLE, ["base_id"])
    op.create_index(
        "ix_reembeddings_unfinished", _TABLE, ["base_id"], unique=True, postgresql_where=_UNFINISHED
    )
    # Made anew by core.migrations.walls, now with the sets that are being made and replaced.
    op.execute("DROP POLICY IF EXISTS tenant ON vectors")


def downgrade() -> None:
    op.execute("DROP POLICY IF EXISTS tenant ON vectors")
    op.execute("DELETE FROM vectors WHERE base_no IN (SELECT vector_set FROM reembeddings)")
    op.drop_table(_TABLE)
    op.drop_column("knowledge_bases", "vector_set_no")


def _job() -> list[sa.Column[object]]:
    return [
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=True),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("pages_done", sa.Integer(), nullable=False),
        sa.Column("pages_total", sa.Integer(), nullable=True),
        sa.Column("quality", postgresql.JSONB(), nullable=True),
        sa.Column("error", postgresql.JSONB(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", _MOMENT, nullable=True),
        sa.Column("started_at", _MOMENT, nullable=True),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
    ]


def _references() -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{table}.id"], name=op.f(f"fk_reembeddings_{column}"), ondelete="CASCADE"
        )
        for column, table in (("workspace_id", "workspaces"), ("base_id", "knowledge_bases"))
    ]
