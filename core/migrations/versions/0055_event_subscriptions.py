"""Subscriptions to events by signed webhooks, with an outbox that triggers fill."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0055"
down_revision = "0044"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_NOW = sa.text("now()")


def _times() -> tuple[sa.Column[datetime], ...]:
    names = ("created_at", "updated_at")
    return tuple(sa.Column(name, _MOMENT, server_default=_NOW, nullable=False) for name in names)


# No key leads to a subscription: whoever ends an execution must not wait for one being deleted.
_RECORD_EVENT = """
CREATE FUNCTION record_event(workspace text, event_type text, event_data jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO event_deliveries (id, workspace_id, subscription_id, event, data)
    SELECT 'evt_' || left(replace(gen_random_uuid()::text, '-', ''), 24), s.workspace_id, s.id,
        event_type, event_data
    FROM event_subscriptions s
    WHERE s.workspace_id = workspace AND s.enabled AND event_type = ANY (s.events)
$$
"""
_RECORDERS = {
    "execution": """
        PERFORM record_event(NEW.workspace_id, 'execution.' || NEW.status, jsonb_build_object(
            'executionId', NEW.id, 'workflowId', NEW.workflow_id, 'trigger', NEW.trigger,
            'status', NEW.status, 'errorCode', NEW.error ->> 'code'));
    """,
    "document": """
        PERFORM record_event(NEW.workspace_id, 'document.' || NEW.status, jsonb_build_object(
            'documentId', NEW.id, 'knowledgeBaseId', NEW.base_id, 'status', NEW.status,
            'errorCode', NEW.error ->> 'code'));
    """,
    "chat_turn": """
        PERFORM record_event(NEW.workspace_id, 'chat.turn.' || NEW.status, jsonb_build_object(
            'chatId', NEW.chat_id, 'messageId', NEW.id, 'status', NEW.status,
            'errorCode', NEW.error ->> 'code'));
    """,
    "approval": """
        PERFORM record_event(NEW.workspace_id, 'approval.requested', jsonb_build_object(
            'approvalId', NEW.id, 'chatId', NEW.chat_id, 'messageId', NEW.message_id,
            'toolCallId', NEW.tool_call_id, 'tool', NEW.name));
    """,
}
_CHANGED = "OLD.status IS DISTINCT FROM NEW.status"
_TRIGGERS = (
    (
        "execution",
        "executions",
        "UPDATE OF status",
        f"{_CHANGED} AND NEW.status IN ('completed', 'failed', 'paused') AND NEW.parent_id IS NULL",
    ),
    (
        "document",
        "documents",
        "UPDATE OF status",
        f"{_CHANGED} AND NEW.status IN ('completed', 'failed')",
    ),
    (
        "chat_turn",
        "messages",
        "UPDATE OF status",
        "OLD.status = 'running' AND NEW.status IN ('completed', 'failed', 'aborted')",
    ),
    ("approval", "approvals", "INSERT", "true"),
)


def upgrade() -> None:
    op.create_table(
        "event_subscriptions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sealed_secret", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("notice", sa.String(), nullable=True),
        sa.Column("consecutive_failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempted_at", _MOMENT, nullable=True),
        sa.Column("created_by", sa.String(), nullable=True),
        *_times(),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_event_subscriptions_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_subscriptions")),
    )
    op.create_index(
        op.f("ix_event_subscriptions_workspace_id"), "event_subscriptions", ["workspace_id"]
    )
    op.create_table(
        "event_deliveries",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("subscription_id", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.String(), server_default="pending", nullable=False),
        sa.Column("attempt_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("next_attempt_at", _MOMENT, server_default=_NOW, nullable=False),
        *_times(),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_event_deliveries_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_deliveries")),
    )
    op.create_index(
        "ix_event_deliveries_pending",
        "event_deliveries",
        ["subscription_id", "next_attempt_at"],
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_event_deliveries_listing",
        "event_deliveries",
        ["workspace_id", "subscription_id", "created_at"],
    )
    op.execute(_RECORD_EVENT)
    for name, statement in _RECORDERS.items():
        op.execute(
            f"CREATE FUNCTION record_{name}_event() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {statement} RETURN NULL; END $$"
        )
    for name, table, change, condition in _TRIGGERS:
        op.execute(
            f"CREATE TRIGGER record_{name}_event AFTER {change} ON {table} FOR EACH ROW"
            f" WHEN ({condition}) EXECUTE FUNCTION record_{name}_event()"
        )


def downgrade() -> None:
    for name, table, _, _ in _TRIGGERS:
        op.execute(f"DROP TRIGGER record_{name}_event ON {table}")
        op.execute(f"DROP FUNCTION record_{name}_event()")
    op.execute("DROP FUNCTION record_event(text, text, jsonb)")
    op.drop_table("event_deliveries")
    op.drop_table("event_subscriptions")
