"""Row-level security: units of a workspace see its rows alone, whatever they ask."""

from __future__ import annotations

from alembic import op

from core.migrations import walls

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    walls.build(op.get_bind())


def downgrade() -> None:
    """Nothing to do: older code works as the tables' owner, whom no wall stops."""
