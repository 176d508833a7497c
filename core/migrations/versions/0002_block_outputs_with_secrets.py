"""Keep a block's true output, sealed, beside the masked one, and the code of its error."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("block_logs", sa.Column("sealed_output", sa.String(), nullable=True))
    op.add_column("block_logs", sa.Column("error_code", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("block_logs", "error_code")
    op.drop_column("block_logs", "sealed_output")
