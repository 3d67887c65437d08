"""Charging until full, limits of outlets, changes of limits while charging, notices to browsers."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final = "0002"
branch_labels: Final = None
depends_on: Final = None

_NEW_IN_SESSIONS: Final = ("limit_change_id", "stop_reason", "heard_at", "drawn_mwh", "drawn_at", "mail_wanted")


def upgrade() -> None:
    with op.batch_alter_table("outlets") as outlets:
        outlets.add_column(sa.Column("most_wh", sa.Integer(), nullable=True))
        outlets.add_column(sa.Column("most_s", sa.Integer(), nullable=True))
    with op.batch_alter_table("charging_sessions") as sessions:
        sessions.add_column(sa.Column("limit_change_id", sa.Uuid(), nullable=True))
        sessions.add_column(sa.Column("stop_reason", sa.String(length=50), nullable=False, server_default=""))
        sessions.add_column(sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True))
        sessions.add_column(sa.Column("drawn_mwh", sa.BigInteger(), nullable=False, server_default="0"))
        sessions.add_column(sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True))
        sessions.add_column(sa.Column("mail_wanted", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("charging_sessions") as sessions:
        for name in ("stop_reason", "drawn_mwh", "mail_wanted"):
            sessions.alter_column(name, server_default=None)
    op.create_table(
        "limit_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("energy_limit_wh", sa.Integer(), nullable=True),
        sa.Column("energy_cap_wh", sa.Integer(), nullable=False),
        sa.Column("time_limit_s", sa.Integer(), nullable=True),
        sa.Column("hold_minor", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["charging_sessions.id"], name=op.f("fk_limit_changes_session_id_charging_sessions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limit_changes")),
    )
    op.create_index(op.f("ix_limit_changes_session_id"), "limit_changes", ["session_id"])
    op.create_table(
        "push_subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint", sa.String(length=1000), nullable=False),
        sa.Column("p256dh", sa.String(length=100), nullable=False),
        sa.Column("auth", sa.String(length=40), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["charging_sessions.id"], name=op.f("fk_push_subscriptions_session_id_charging_sessions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_subscriptions")),
        sa.UniqueConstraint("session_id", "endpoint", name=op.f("uq_push_subscriptions_session_id_endpoint")),
    )
    op.create_index(op.f("ix_push_subscriptions_session_id"), "push_subscriptions", ["session_id"])
    op.create_table(
        "server_keys",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_server_keys")),
    )


def downgrade() -> None:
    op.drop_table("server_keys")
    op.drop_index(op.f("ix_push_subscriptions_session_id"), table_name="push_subscriptions")
    op.drop_table("push_subscriptions")
    op.drop_index(op.f("ix_limit_changes_session_id"), table_name="limit_changes")
    op.drop_table("limit_changes")
    with op.batch_alter_table("charging_sessions") as sessions:
        for name in _NEW_IN_SESSIONS:
            sessions.drop_column(name)
    with op.batch_alter_table("outlets") as outlets:
        outlets.drop_column("most_s")
        outlets.drop_column("most_wh")
