"""The notice of an answer that no language model wrote."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0044"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("notice", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("messages", "notice")
