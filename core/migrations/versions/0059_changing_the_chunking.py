"""Changes of a base's chunking, and how each document was cut."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_TABLE = "rechunkings"
_UNFINISHED = sa.text("status IN ('pending', 'processing')")


def upgrade() -> None:
    op.add_column("documents", sa.Column("chunked_as", sa.String(), nullable=True))
    op.add_column("documents", sa.Column("rechunk_error", postgresql.JSONB(), nullable=True))
    op.create_table(
        _TABLE,
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("base_id", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=True),
        *_job(),
        *_references(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rechunkings")),
    )
    op.create_index(op.f("ix_rechunkings_base_id"), _TABLE, ["base_id"])
    op.create_index(
        "ix_rechunkings_unfinished", _TABLE, ["base_id"], unique=True, postgresql_where=_UNFINISHED
    )


def downgrade() -> None:
    op.drop_table(_TABLE)
    op.drop_column("documents", "rechunk_error")
    op.drop_column("documents", "chunked_as")


def _job() -> list[sa.Column[object]]:
    return [
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=True),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("pages_done", sa.Integer(), nullable=False),
        sa.Column("pages_total", sa.Integer(), nullable=True),
        sa.Column("seconds_left", sa.Double(), nullable=True),
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
            [column], [f"{table}.id"], name=op.f(f"fk_rechunkings_{column}"), ondelete="CASCADE"
        )
        for column, table in (("workspace_id", "workspaces"), ("base_id", "knowledge_bases"))
    ]
