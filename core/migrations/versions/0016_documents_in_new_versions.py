"""How a document is to be read, and the name that its passages were embedded with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("documents", sa.Column("reading", postgresql.JSONB(), nullable=True))
    op.add_column("documents", sa.Column("indexed_name", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("documents", "indexed_name")
    op.drop_column("documents", "reading")
