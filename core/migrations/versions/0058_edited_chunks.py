"""Where a chunk's text is from, and no offsets for text that is not in the document."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

_OFFSETS = ("start_offset", "end_offset")


def upgrade() -> None:
    op.add_column(
        "chunks",
        sa.Column("origin", sa.String(), server_default=sa.text("'document'"), nullable=False),
    )
    for name in _OFFSETS:
        op.alter_column("chunks", name, nullable=True)
    # What was edited before is known by its length; its offsets are those of another text.
    op.execute(
        "UPDATE chunks SET origin = 'edited', start_offset = NULL, end_offset = NULL"
        " WHERE end_offset - start_offset <> char_length(content)"
    )


def downgrade() -> None:
    op.execute(
        "UPDATE chunks SET start_offset = 0, end_offset = char_length(content)"
        " WHERE start_offset IS NULL OR end_offset IS NULL"
    )
    for name in _OFFSETS:
        op.alter_column("chunks", name, nullable=False)
    op.drop_column("chunks", "origin")
