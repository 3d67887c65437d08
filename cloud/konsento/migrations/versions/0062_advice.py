"""Advice to drivers: what they chose, their browsers, and what they were told."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0062"
down_revision: Final = "0060"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)
WORD: Final = sa.String(length=32)


def _driver(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["driver_id"], ["drivers.id"], name=op.f(f"fk_{table}_driver_id_drivers"), ondelete="CASCADE"
    )


def upgrade() -> None:
    op.create_table(
        "advice_choices",
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("mail", sa.Boolean(), nullable=False),
        sa.Column("calendar_hash", sa.LargeBinary(), nullable=True),
        sa.Column("quiet_from", sa.Integer(), nullable=False),
        sa.Column("quiet_until", sa.Integer(), nullable=False),
        sa.Column("paused_until", TIME, nullable=True),
        sa.Column("stopped_at", TIME, nullable=True),
        sa.Column("since", TIME, nullable=False),
        _driver("advice_choices"),
        sa.PrimaryKeyConstraint("driver_id", name=op.f("pk_advice_choices")),
        sa.UniqueConstraint("calendar_hash", name=op.f("uq_advice_choices_calendar_hash")),
    )
    op.create_table(
        "advice_browsers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint", sa.String(length=1000), nullable=False),
        sa.Column("p256dh", sa.String(length=100), nullable=False),
        sa.Column("auth", sa.String(length=40), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        _driver("advice_browsers"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advice_browsers")),
        sa.UniqueConstraint("endpoint", name=op.f("uq_advice_browsers_endpoint")),
    )
    op.create_index(op.f("ix_advice_browsers_driver_id"), "advice_browsers", ["driver_id"])
    op.create_table(
        "advice_issues",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.String(length=12), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("reached", sa.Uuid(), nullable=True),
        sa.Column("listed_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["window_decisions.id"], name=op.f("fk_advice_issues_decision_id_window_decisions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advice_issues")),
        sa.UniqueConstraint("region", "day", "kind", name=op.f("uq_advice_issues_region_day_kind")),
    )
    op.create_table(
        "advice_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("channel", WORD, nullable=False),
        sa.Column("farewell", sa.Boolean(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("opened_at", TIME, nullable=True),
        sa.Column("acted_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["advice_issues.id"],
            name=op.f("fk_advice_messages_issue_id_advice_issues"),
            ondelete="CASCADE",
        ),
        _driver("advice_messages"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advice_messages")),
        sa.UniqueConstraint(
            "issue_id", "driver_id", "channel", name=op.f("uq_advice_messages_issue_id_driver_id_channel")
        ),
    )
    op.create_index("ix_advice_messages_driver_id_due_at", "advice_messages", ["driver_id", "due_at"])


def downgrade() -> None:
    for table in ("advice_messages", "advice_issues", "advice_browsers", "advice_choices"):
        op.drop_table(table)
