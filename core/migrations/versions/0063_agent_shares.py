"""Share links of agents, and the chats of anonymous visitors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_SHARE = (
    ("share_token_hash", sa.String()),
    ("share_messages_per_day", sa.Integer()),
    ("share_messages_per_address", sa.Integer()),
    ("share_expires_at", _MOMENT),
    ("shared_at", _MOMENT),
    ("shared_by", sa.String()),
)


def upgrade() -> None:
    for name, kind in _SHARE:
        op.add_column("agents", sa.Column(name, kind, nullable=True))
    op.create_unique_constraint(op.f("uq_agents_share_token_hash"), "agents", ["share_token_hash"])
    op.create_foreign_key(
        op.f("fk_agents_shared_by"), "agents", "users", ["shared_by"], ["id"], ondelete="SET NULL"
    )
    op.add_column(
        "chats",
        sa.Column("is_anonymous", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_index(
        "ix_chats_anonymous", "chats", ["updated_at"], postgresql_where=sa.text("is_anonymous")
    )


def downgrade() -> None:
    op.execute("DELETE FROM chats WHERE is_anonymous")
    op.drop_index("ix_chats_anonymous", "chats")
    op.drop_column("chats", "is_anonymous")
    for name, _ in reversed(_SHARE):
        op.drop_column("agents", name)
