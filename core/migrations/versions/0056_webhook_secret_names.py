"""The name of a workspace's secret that a webhook is checked with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("secret_name", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("webhooks", "secret_name")
