"""Charging that starts by itself while it is recommended."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0063"
down_revision: Final = "0062"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)
WORD: Final = sa.String(32)
NUMBER: Final = sa.Numeric(20, 10).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "planned_charges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("outlet_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("limit_kind", WORD, nullable=False),
        sa.Column("limit_amount", sa.BigInteger(), nullable=False),
        sa.Column("offer", sa.String(64), nullable=False),
        sa.Column("way", sa.String(320), nullable=False),
        sa.Column("coupon", sa.String(64), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("agreed_unit_price", NUMBER, nullable=False),
        sa.Column("agreed_most_minor", sa.BigInteger(), nullable=False),
        sa.Column("window_begin", TIME, nullable=False),
        sa.Column("window_end", TIME, nullable=False),
        sa.Column("inside", sa.Boolean(), nullable=False),
        sa.Column("start_at", TIME, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("reason", sa.String(50), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("over_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["driver_id"],
            ["drivers.id"],
            name=op.f("fk_planned_charges_driver_id_drivers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["outlet_id"], ["outlets.id"], name=op.f("fk_planned_charges_outlet_id_outlets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planned_charges")),
    )
    for column in ("driver_id", "outlet_id"):
        op.create_index(op.f(f"ix_planned_charges_{column}"), "planned_charges", [column])
    op.add_column("checkouts", sa.Column("ends_at", TIME, nullable=True))


def downgrade() -> None:
    op.drop_column("checkouts", "ends_at")
    op.drop_table("planned_charges")
