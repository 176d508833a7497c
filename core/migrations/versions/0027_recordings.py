"""Recordings of conversations by voice, in pieces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_OFF = """'{"enabled": false, "retention_days": null}'"""


def upgrade() -> None:
    op.add_column(
        "voice_configs",
        sa.Column("recording", JSONB(), server_default=sa.text(_OFF), nullable=False),
    )
    op.create_table(
        "voice_recordings",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("frames", sa.BigInteger(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("is_whole", sa.Boolean(), nullable=True),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("expires_at", _MOMENT, nullable=True),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        _of("voice_recordings", "session_id", "voice_sessions.id"),
        _of("voice_recordings", "workspace_id", "workspaces.id"),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_voice_recordings")),
    )
    op.create_index(
        "ix_voice_recordings_open",
        "voice_recordings",
        ["session_id"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(op.f("ix_voice_recordings_expires_at"), "voice_recordings", ["expires_at"])
    op.create_index(op.f("ix_voice_recordings_workspace_id"), "voice_recordings", ["workspace_id"])
    op.create_table(
        "voice_recording_pieces",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("blob_key", sa.String(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        _of("voice_recording_pieces", "session_id", "voice_recordings.session_id"),
        _of("voice_recording_pieces", "workspace_id", "workspaces.id"),
        sa.PrimaryKeyConstraint("session_id", "number", name=op.f("pk_voice_recording_pieces")),
    )
    for column in ("blob_key", "workspace_id"):
        name = op.f(f"ix_voice_recording_pieces_{column}")
        op.create_index(name, "voice_recording_pieces", [column])


def downgrade() -> None:
    """Recordings are lost; their blobs go with the next sweep."""
    op.drop_table("voice_recording_pieces")
    op.drop_table("voice_recordings")
    op.drop_column("voice_configs", "recording")


def _of(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [other], name=name, ondelete="CASCADE")
