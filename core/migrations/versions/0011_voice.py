"""Voice: a workspace's settings, its sessions, and the events that other services sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "voice_configs",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("voice_id", sa.String(), nullable=True),
        sa.Column("greeting", sa.String(), nullable=True),
        sa.Column("system_prompt", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("base_ids", postgresql.JSONB(), nullable=False),
        sa.Column("turn_detection", postgresql.JSONB(), nullable=False),
        sa.Column("max_duration_seconds", sa.Integer(), nullable=False),
        sa.Column("twilio_account_sid", sa.String(), nullable=True),
        sa.Column("sealed_twilio_auth_token", sa.String(), nullable=True),
        sa.Column("sealed_daily_webhook_secret", sa.String(), nullable=True),
        sa.Column("updated_by", sa.String(), nullable=False),
        *_timestamps(),
        _workspace("voice_configs"),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_voice_configs")),
    )
    op.create_index(
        op.f("ix_voice_configs_twilio_account_sid"), "voice_configs", ["twilio_account_sid"]
    )
    op.create_table(
        "voice_sessions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=True),
        sa.Column("credential_id", sa.String(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=True),
        sa.Column("workflow_id", sa.String(), nullable=True),
        sa.Column("chat_id", sa.String(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("sealed_token", sa.String(), nullable=True),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.Column("transcript", postgresql.JSONB(), nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=True),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", _MOMENT, nullable=True),
        *_timestamps(),
        _workspace("voice_sessions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_voice_sessions_token_hash")),
    )
    op.create_index(
        "uq_voice_sessions_call",
        "voice_sessions",
        ["workspace_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("channel = 'twilio'"),
    )
    op.create_index("ix_voice_sessions_listing", "voice_sessions", ["workspace_id", "created_at"])
    op.create_index(
        "ix_voice_sessions_live",
        "voice_sessions",
        ["expires_at"],
        postgresql_where=sa.text("status <> 'ended'"),
    )
    op.create_table(
        "voice_events",
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        *_timestamps(),
        _workspace("voice_events"),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_voice_events")),
    )
    op.create_index(op.f("ix_voice_events_created_at"), "voice_events", ["created_at"])


def downgrade() -> None:
    for table in ("voice_events", "voice_sessions", "voice_configs"):
        op.drop_table(table)


def _workspace(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_workspace_id")
    return sa.ForeignKeyConstraint(
        ["workspace_id"], ["workspaces.id"], name=name, ondelete="CASCADE"
    )


def _timestamps() -> list[sa.Column[object]]:
    return [
        sa.Column(name, _MOMENT, server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    ]
