"""The copilot's approvals, checkpoints and agents; what a chat allows and remembers; feedback."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0013"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB()


def upgrade() -> None:
    _agents()
    _approvals()
    _checkpoints()
    empty = sa.text("'[]'::jsonb")
    op.add_column("chats", sa.Column("allowed_tools", _JSON, server_default=empty, nullable=False))
    op.add_column("chats", sa.Column("summary", _JSON, nullable=True))
    op.add_column("chats", sa.Column("agent_id", sa.String(), nullable=True))
    op.create_foreign_key(
        op.f("fk_chats_agent_id"), "chats", "agents", ["agent_id"], ["id"], ondelete="CASCADE"
    )
    op.add_column("messages", sa.Column("feedback", _JSON, nullable=True))


def downgrade() -> None:
    op.drop_column("messages", "feedback")
    op.drop_constraint("fk_chats_agent_id", "chats")
    for column in ("agent_id", "summary", "allowed_tools"):
        op.drop_column("chats", column)
    for table in ("checkpoints", "approvals", "agents"):
        op.drop_table(table)


def _agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("system_prompt", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("knowledge_base_ids", _JSON, nullable=False),
        sa.Column("tools", _JSON, nullable=False),
        sa.Column("approvals", sa.String(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=True),
        *_timestamps(),
        _key("agents", "workspace_id", "workspaces"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
    )
    op.create_index(op.f("ix_agents_workspace_id"), "agents", ["workspace_id"])


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("tool_call_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("arguments", _JSON, nullable=False),
        sa.Column("decision", sa.String(), nullable=True),
        *_timestamps(),
        _key("approvals", "chat_id", "chats"),
        _key("approvals", "message_id", "messages"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint(
            "message_id", "tool_call_id", name=op.f("uq_approvals_message_id_tool_call_id")
        ),
    )
    op.create_index("ix_approvals_call", "approvals", ["workspace_id", "tool_call_id"])


def _checkpoints() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=True),
        sa.Column("message_id", sa.String(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reverted_at", _MOMENT, nullable=True),
        *_timestamps(),
        _key("checkpoints", "workflow_id", "workflows"),
        _key("checkpoints", "user_id", "users"),
        _key("checkpoints", "chat_id", "chats", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoints")),
    )
    op.create_index(
        "ix_checkpoints_listing", "checkpoints", ["workspace_id", "user_id", "created_at"]
    )


def _key(table: str, column: str, of: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{of}.id"], name=name, ondelete=ondelete)


def _timestamps() -> list[sa.Column[object]]:
    return [
        sa.Column(name, _MOMENT, server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    ]
