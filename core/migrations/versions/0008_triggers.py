"""What starts workflows: webhooks, schedules and what came of them; names of versions."""

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
    op.add_column("workflow_versions", sa.Column("name", sa.String(), nullable=True))
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
    _schedules()


def _schedules() -> None:
    op.create_table(
        "schedules",
        *_texts("workflow_id", "workspace_id", "cron", "timezone", "misfire"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("input", postgresql.JSONB(), nullable=False),
        sa.Column("next_at", _MOMENT, nullable=True),
        sa.Column("created_by", sa.String(), nullable=True),
        *_timestamps(),
        *_owners("schedules"),
        sa.PrimaryKeyConstraint("workflow_id", name=op.f("pk_schedules")),
    )
    for column in ("workspace_id", "next_at"):
        op.create_index(op.f(f"ix_schedules_{column}"), "schedules", [column])
    op.create_table(
        "schedule_fires",
        *_texts("workflow_id", "workspace_id", "status"),
        sa.Column("fire_at", _MOMENT, nullable=False),
        sa.Column("input", postgresql.JSONB(), nullable=False),
        sa.Column("execution_id", sa.String(), nullable=True),
        sa.Column("error", postgresql.JSONB(), nullable=True),
        *_timestamps(),
        *_owners("schedule_fires"),
        sa.PrimaryKeyConstraint("workflow_id", "fire_at", name=op.f("pk_schedule_fires")),
    )
    op.create_index(
        "ix_schedule_fires_waiting",
        "schedule_fires",
        ["workspace_id", "fire_at"],
        postgresql_where=sa.text("status = 'waiting'"),
    )


def downgrade() -> None:
    for table in ("schedule_fires", "schedules", "webhook_deliveries", "webhooks"):
        op.drop_table(table)
    op.drop_column("workflow_versions", "name")


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
