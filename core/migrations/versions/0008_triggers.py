"""Webhooks of workflows and what they delivered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhooks",
        *_texts("workflow_id", "workspace_id", "auth", "mode"),
        sa.Column("sealed_secrets", sa.String(), nullable=True),
        sa.Column("allowed_addresses", postgresql.ARRAY(sa.Text()), nullable=False),
        *_timestamps(),
        *_owners("webhooks"),
        sa.PrimaryKeyConstraint("workflow_id", name=op.f("pk_webhooks")),
    )
    op.create_index(op.f("ix_webhooks_workspace_id"), "webhooks", ["workspace_id"])
    op.create_table(
        "webhook_deliveries",
        *_texts("id", "workspace_id", "workflow_id", "execution_id", "method", "address"),
        *(
            sa.Column(name, sa.String(), nullable=True)
            for name in ("delivery_id", "event", "redelivery_of")
        ),
        sa.Column("expires_at", _MOMENT, nullable=False),
        *_timestamps(),
        *_owners("webhook_deliveries"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint(
            "workflow_id", "delivery_id", name=op.f("uq_webhook_deliveries_workflow_id_delivery_id")
        ),
    )
    op.create_index(op.f("ix_webhook_deliveries_expires_at"), "webhook_deliveries", ["expires_at"])
    op.create_index(
        "ix_webhook_deliveries_listing",
        "webhook_deliveries",
        ["workspace_id", "workflow_id", "created_at"],
    )


def downgrade() -> None:
    for table in ("webhook_deliveries", "webhooks"):
        op.drop_table(table)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _owners(table: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [f"{owner}_id"],
            [f"{owner}s.id"],
            name=op.f(f"fk_{table}_{owner}_id"),
            ondelete="CASCADE",
        )
        for owner in ("workspace", "workflow")
    ]


def _timestamps() -> list[sa.Column[object]]:
    return [
        sa.Column(name, _MOMENT, server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    ]
