"""What is in work, counted without a look at what waits: claims stay quick in a long queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLES = ("documents", "files")


def upgrade() -> None:
    for table in _TABLES:
        op.create_index(
            f"ix_{table}_processing",
            table,
            ["workspace_id"],
            postgresql_where=sa.text("status = 'processing'"),
        )


def downgrade() -> None:
    for table in _TABLES:
        op.drop_index(f"ix_{table}_processing", table)
