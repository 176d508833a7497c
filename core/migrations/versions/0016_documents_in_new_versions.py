"""How a document is to be read, the name its passages were embedded with, how long a job takes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None

_JOBS = ("documents", "files", "reembeddings")


def upgrade() -> None:
    op.add_column("documents", sa.Column("reading", postgresql.JSONB(), nullable=True))
    op.add_column("documents", sa.Column("indexed_name", sa.String(), nullable=True))
    for table in _JOBS:
        op.add_column(table, sa.Column("seconds_left", sa.Float(), nullable=True))


def downgrade() -> None:
    for table in _JOBS:
        op.drop_column(table, "seconds_left")
    op.drop_column("documents", "indexed_name")
    op.drop_column("documents", "reading")
