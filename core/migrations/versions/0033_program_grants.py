"""Grants of programs with their scopes, and when a session last proved its password."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0030"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_NOW = sa.text("now()")


def upgrade() -> None:
    op.add_column(
        "sessions",
        sa.Column("authenticated_at", _MOMENT, server_default=_NOW, nullable=False),
    )
    op.execute("UPDATE sessions SET authenticated_at = created_at")
    op.create_table(
        "program_grants",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_program_grants_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_program_grants")),
    )
    op.create_index(op.f("ix_program_grants_session_id"), "program_grants", ["session_id"])
    op.execute("""
        INSERT INTO program_grants (id, session_id, client_id, scopes)
        SELECT DISTINCT ON (family_id) family_id, session_id, client_id, '{read,write}'
        FROM bearer_tokens WHERE session_id IS NOT NULL AND client_id IS NOT NULL
    """)


def downgrade() -> None:
    op.execute("DELETE FROM bearer_tokens WHERE session_id IS NOT NULL")
    op.drop_table("program_grants")
    op.drop_column("sessions", "authenticated_at")
