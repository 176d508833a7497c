"""Mailboxes whose new mails start workflows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_NOW = sa.text("now()")


def upgrade() -> None:
    texts = ("workflow_id", "workspace_id", "host", "username", "password_secret", "folder")
    op.create_table(
        "mail_triggers",
        *(sa.Column(name, sa.String(), nullable=False) for name in texts),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("interval_seconds", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=True),
        sa.Column("last_uid", sa.BigInteger(), nullable=True),
        sa.Column("next_poll_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("polled_at", _MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", postgresql.JSONB(), nullable=True),
        *(
            sa.Column(name, _MOMENT, server_default=_NOW, nullable=False)
            for name in ("created_at", "updated_at")
        ),
        *(
            sa.ForeignKeyConstraint(
                [f"{owner}_id"],
                [f"{owner}s.id"],
                name=op.f(f"fk_mail_triggers_{owner}_id"),
                ondelete="CASCADE",
            )
            for owner in ("workflow", "workspace")
        ),
        sa.PrimaryKeyConstraint("workflow_id", name=op.f("pk_mail_triggers")),
    )
    op.create_index(op.f("ix_mail_triggers_workspace_id"), "mail_triggers", ["workspace_id"])
    op.create_index(op.f("ix_mail_triggers_next_poll_at"), "mail_triggers", ["next_poll_at"])


def downgrade() -> None:
    op.drop_table("mail_triggers")
