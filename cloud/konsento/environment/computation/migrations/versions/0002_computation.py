"""Energy by half hours, factors, fuel mixes, runs and their results."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from konsento.kit.db import ExactDecimal

revision: Final = "0002"
down_revision: Final = "0001"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)


def figures() -> list[sa.Column[Any]]:
    return [
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("region", sa.String(length=11), nullable=False),
        sa.Column("power_type", sa.String(length=32), nullable=False),
        sa.Column("supplier", sa.String(length=32), nullable=False),
        sa.Column("use", sa.String(length=32), nullable=False),
        sa.Column("outlets", sa.Integer(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.Column("hourly_wh", sa.BigInteger(), nullable=False),
        sa.Column("scope1", sa.BigInteger(), nullable=False),
        sa.Column("scope2_location", sa.BigInteger(), nullable=False),
        sa.Column("scope2_market", sa.BigInteger(), nullable=False),
        sa.Column("scope2_hourly", sa.BigInteger(), nullable=False),
        sa.Column("scope3_location", sa.BigInteger(), nullable=False),
        sa.Column("scope3_market", sa.BigInteger(), nullable=False),
        sa.Column("scope3_hourly", sa.BigInteger(), nullable=False),
        sa.Column("factors", sa.JSON(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "factors",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("imported_at", TIME, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("region", sa.String(length=11), nullable=False),
        sa.Column("power_type", sa.String(length=32), nullable=False),
        sa.Column("retailer", sa.String(length=32), nullable=False),
        sa.Column("menu", sa.String(length=100), nullable=False),
        sa.Column("value", ExactDecimal(), nullable=False),
        sa.Column("unit", sa.String(length=16), nullable=False),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.Column("gases", sa.String(length=16), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("edition", sa.String(length=64), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("processed_by", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_factors"),
    )
    op.create_index("ix_factors_kind", "factors", ["kind"])
    op.create_table(
        "groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=11), nullable=False),
        sa.Column("power_type", sa.String(length=32), nullable=False),
        sa.Column("supplier", sa.String(length=32), nullable=False),
        sa.Column("use", sa.String(length=32), nullable=False),
        sa.Column("mix_region", sa.String(length=11), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_groups"),
        sa.UniqueConstraint("region", "power_type", "supplier", "use", name="uq_groups_region_power_type_supplier_use"),
    )
    op.create_table(
        "mix_slots",
        sa.Column("region", sa.String(length=11), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("kwh", sa.JSON(), nullable=False),
        sa.Column("imported_at", TIME, nullable=False),
        sa.Column("direct", sa.Integer(), nullable=True),
        sa.Column("upstream", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("region", "slot", name="pk_mix_slots"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("privacy", sa.String(length=16), nullable=False),
        sa.Column("mix_factors", sa.JSON(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("without_factors", sa.Integer(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.Column("open_from", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_table(
        "energy",
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_energy_group_id_groups"),
        sa.PrimaryKeyConstraint("slot", "group_id", name="pk_energy"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outlet_days",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("outlet", sa.String(length=26), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_outlet_days_group_id_groups"),
        sa.PrimaryKeyConstraint("day", "group_id", "month", "outlet", name="pk_outlet_days"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "published",
        *figures(),
        sa.Column("rest", sa.Boolean(), nullable=False),
        sa.Column("merged", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_published_run_id_runs"),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_published"),
    )
    op.create_table(
        "results",
        *figures(),
        sa.Column("largest_wh", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_results_run_id_runs"),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_results"),
    )
    op.create_table(
        "sum_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("token_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name="fk_sum_deliveries_token_id_tokens"),
        sa.PrimaryKeyConstraint("id", name="pk_sum_deliveries"),
    )
    op.create_index("ix_sum_deliveries_received_at", "sum_deliveries", ["received_at"])
    op.create_table(
        "sums",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.Column("measurements", sa.Integer(), nullable=False),
        sa.Column("outlets", sa.Integer(), nullable=False),
        sa.Column("largest_wh", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["sum_deliveries.id"], name="fk_sums_delivery_id_sum_deliveries"),
        sa.ForeignKeyConstraint(["group_id"], ["groups.id"], name="fk_sums_group_id_groups"),
        sa.PrimaryKeyConstraint("delivery_id", "number", name="pk_sums"),
    )
    op.create_index("ix_sums_slot", "sums", ["slot"])


def downgrade() -> None:
    op.drop_index("ix_sums_slot", table_name="sums")
    op.drop_table("sums")
    op.drop_index("ix_sum_deliveries_received_at", table_name="sum_deliveries")
    op.drop_table("sum_deliveries")
    op.drop_table("results")
    op.drop_table("published")
    op.drop_table("outlet_days")
    op.drop_table("energy")
    op.drop_table("runs")
    op.drop_table("mix_slots")
    op.drop_table("groups")
    op.drop_index("ix_factors_kind", table_name="factors")
    op.drop_table("factors")
