"""Eco points and coupons."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0057"
down_revision: Final = "0053"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)
# As `kit.db.ExactDecimal` keeps exact numbers.
EXACT: Final = sa.Numeric(20, 10).with_variant(sa.String(32), "sqlite")
WORD: Final = sa.String(32)


def _references(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([column], [f"{to}.{key}"], name=op.f(f"fk_{table}_{column}_{to}"))
        for column, to in columns.items()
        for key in ["code" if to == "coupon_codes" else "id"]
    ]


def _points() -> None:
    op.create_table(
        "point_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("points_per_kwh", EXACT, nullable=False),
        sa.Column("power_type", sa.String(20), nullable=False),
        sa.Column("tariff_name", sa.String(64), nullable=False),
        sa.Column("supplier_code", sa.String(32), nullable=False),
        sa.Column("from_minute", sa.Integer(), nullable=True),
        sa.Column("to_minute", sa.Integer(), nullable=True),
        sa.Column("valid_from", TIME, nullable=False),
        sa.Column("valid_to", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("(from_minute IS NULL) = (to_minute IS NULL)", name=op.f("ck_point_rules_band")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_point_rules")),
    )
    op.create_index("ix_point_rules_valid_to", "point_rules", ["valid_to"])
    op.create_table(
        "point_lots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("points_left", sa.BigInteger(), nullable=False),
        sa.Column("earned_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.CheckConstraint("points_left >= 0 AND points_left <= points", name=op.f("ck_point_lots_left")),
        *_references("point_lots", driver_id="drivers", session_id="charging_sessions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_point_lots")),
    )
    op.create_index("ix_point_lots_driver_id_earned_at", "point_lots", ["driver_id", "earned_at"])
    op.create_index(op.f("ix_point_lots_session_id"), "point_lots", ["session_id"])
    left = sa.text("points_left > 0")
    op.create_index("ix_point_lots_expires_at", "point_lots", ["expires_at"], sqlite_where=left, postgresql_where=left)
    op.create_table(
        "point_uses",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("value_minor", EXACT, nullable=False),
        sa.Column("points_used", sa.BigInteger(), nullable=True),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reserved_at", TIME, nullable=False),
        *_references("point_uses", session_id="charging_sessions", driver_id="drivers"),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_point_uses")),
    )
    op.create_index(op.f("ix_point_uses_driver_id"), "point_uses", ["driver_id"])


def _coupons() -> None:
    op.create_table(
        "coupons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("value", EXACT, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("most_uses", sa.Integer(), nullable=True),
        sa.Column("most_uses_each", sa.Integer(), nullable=True),
        sa.Column("first_only", sa.Boolean(), nullable=False),
        sa.Column("least_minor", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("site_ids", "outlet_ids")),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("tariff_names", "power_types")),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("grant_wh", sa.Integer(), nullable=True),
        sa.Column("grant_power_type", sa.String(20), nullable=False),
        sa.Column("grant_days", sa.Integer(), nullable=True),
        sa.Column("valid_from", TIME, nullable=False),
        sa.Column("valid_to", TIME, nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("taken >= 0 AND (most_uses IS NULL OR taken <= most_uses)", name=op.f("ck_coupons_taken")),
        sa.CheckConstraint("grant_wh IS NULL OR grant_wh > 0", name=op.f("ck_coupons_grant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupons")),
    )
    op.create_table(
        "coupon_codes",
        sa.Column("code", sa.String(24), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("driver_id", sa.Uuid(), nullable=True),
        sa.Column("ordinal", sa.Integer(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("most_uses", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.CheckConstraint(
            "taken >= 0 AND (most_uses IS NULL OR taken <= most_uses)", name=op.f("ck_coupon_codes_taken")
        ),
        *_references("coupon_codes", coupon_id="coupons", driver_id="drivers", session_id="charging_sessions"),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_coupon_codes")),
        sa.UniqueConstraint(
            "coupon_id", "driver_id", "ordinal", name=op.f("uq_coupon_codes_coupon_id_driver_id_ordinal")
        ),
    )
    for column in ("coupon_id", "batch_id", "driver_id", "session_id"):
        op.create_index(op.f(f"ix_coupon_codes_{column}"), "coupon_codes", [column])
    op.create_table(
        "coupon_uses",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(24), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reserved_at", TIME, nullable=False),
        sa.Column("resolved_at", TIME, nullable=True),
        *_references(
            "coupon_uses", session_id="charging_sessions", coupon_id="coupons", code="coupon_codes", driver_id="drivers"
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_coupon_uses")),
    )
    op.create_index("ix_coupon_uses_coupon_id_driver_id", "coupon_uses", ["coupon_id", "driver_id"])
    op.create_index(op.f("ix_coupon_uses_driver_id"), "coupon_uses", ["driver_id"])
    op.create_table(
        "coupon_progress",
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        *_references("coupon_progress", coupon_id="coupons"),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.id"], name=op.f("fk_coupon_progress_driver_id_drivers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("coupon_id", "driver_id", name=op.f("pk_coupon_progress")),
    )
    op.create_index(op.f("ix_coupon_progress_driver_id"), "coupon_progress", ["driver_id"])


def upgrade() -> None:
    _points()
    _coupons()


def downgrade() -> None:
    for table in ("coupon_progress", "coupon_uses", "coupon_codes", "coupons"):
        op.drop_table(table)
    for table in ("point_uses", "point_lots", "point_rules"):
        op.drop_table(table)
