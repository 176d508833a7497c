"""Empty the packed postings, which nothing reads any more.

The tables stay for processes of the release before, which then read rows.
"""

from __future__ import annotations

from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("TRUNCATE packings, packed_words")


def downgrade() -> None:
    """Processes of the release before make them again."""
