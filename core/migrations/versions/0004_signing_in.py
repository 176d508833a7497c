"""Bearer tokens, accounts at other providers, and when a session was last seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _time(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _owner(table: str, column: str, owner: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{owner}.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    op.add_column("sessions", _time("last_seen_at"))
    op.create_table(
        "bearer_tokens",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("family_id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=True),
        sa.Column("api_key_id", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("client_id", sa.String(), nullable=True),
        sa.Column("redirect_uri", sa.String(), nullable=True),
        sa.Column("code_challenge", sa.String(), nullable=True),
        _time("created_at"),
        _time("updated_at"),
        sa.CheckConstraint(
            "(session_id IS NULL) <> (api_key_id IS NULL)", name=op.f("ck_bearer_tokens_one_owner")
        ),
        _owner("bearer_tokens", "session_id", "sessions"),
        _owner("bearer_tokens", "api_key_id", "api_keys"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bearer_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_bearer_tokens_token_hash")),
    )
    for column in ("family_id", "session_id", "api_key_id", "expires_at"):
        op.create_index(op.f(f"ix_bearer_tokens_{column}"), "bearer_tokens", [column])
    op.create_table(
        "linked_accounts",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        _time("created_at"),
        _time("updated_at"),
        _owner("linked_accounts", "user_id", "users"),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_linked_accounts")),
    )
    op.create_index(op.f("ix_linked_accounts_user_id"), "linked_accounts", ["user_id"])


def downgrade() -> None:
    op.drop_table("linked_accounts")
    op.drop_table("bearer_tokens")
    op.drop_column("sessions", "last_seen_at")
