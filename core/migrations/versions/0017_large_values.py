"""Large values of blocks lie in blobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_INDEX = "ix_block_logs_values_key"


def upgrade() -> None:
    op.add_column("block_logs", sa.Column("values_key", sa.String(), nullable=True))
    op.create_index(
        _INDEX, "block_logs", ["values_key"], postgresql_where=sa.text("values_key IS NOT NULL")
    )


def downgrade() -> None:
    """Values that lie in blobs are lost to the older version, which shows them as null."""
    op.drop_index(_INDEX, table_name="block_logs")
    op.drop_column("block_logs", "values_key")
