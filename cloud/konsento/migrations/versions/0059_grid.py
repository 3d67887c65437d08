"""Regions of the grid, what is published about them, and the windows that are recommended."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from konsento.migrations.append_only import refuse_changes

revision: Final = "0059"
down_revision: Final = "0058"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)
NUMBER: Final = sa.Numeric(20, 10).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "grid_regions",
        sa.Column("code", sa.String(12), nullable=False),
        sa.Column("name_en", sa.String(60), nullable=False),
        sa.Column("name_ja", sa.String(60), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("advises", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_grid_regions")),
    )
    with op.batch_alter_table("sites") as sites:
        sites.add_column(sa.Column("region", sa.String(12), nullable=True))
        sites.create_foreign_key(op.f("fk_sites_region_grid_regions"), "grid_regions", ["region"], ["code"])
        sites.create_index(op.f("ix_sites_region"), ["region"])
    _sources()
    _windows()


def _sources() -> None:
    op.create_table(
        "grid_sources",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("format", sa.String(32), nullable=False),
        sa.Column("region", sa.String(12), nullable=True),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("folder", sa.String(200), nullable=False),
        sa.Column("secret", sa.String(200), nullable=False),
        sa.Column("every_s", sa.Integer(), nullable=False),
        sa.Column("stale_after_s", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("problem", sa.String(500), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=False),
        sa.Column("bad_since", TIME, nullable=True),
        sa.Column("tried_at", TIME, nullable=True),
        sa.Column("good_at", TIME, nullable=True),
        sa.Column("data_until", TIME, nullable=True),
        sa.ForeignKeyConstraint(["region"], ["grid_regions.code"], name=op.f("fk_grid_sources_region_grid_regions")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grid_sources")),
        sa.UniqueConstraint("name", name=op.f("uq_grid_sources_name")),
    )
    op.create_table(
        "grid_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("good", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("came_at", TIME, nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["grid_sources.id"], name=op.f("fk_grid_files_source_id_grid_sources"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grid_files")),
        sa.UniqueConstraint("source_id", "good", name=op.f("uq_grid_files_source_id_good")),
    )
    op.create_index(op.f("ix_grid_files_source_id"), "grid_files", ["source_id"])
    op.create_table(
        "grid_slots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("series", sa.String(10), nullable=False),
        sa.Column("begin", TIME, nullable=False),
        sa.Column("end", TIME, nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("demand_kwh", sa.BigInteger(), nullable=True),
        sa.Column("supply_kwh", sa.BigInteger(), nullable=True),
        sa.Column("supply", sa.String(12), nullable=True),
        sa.Column("first_kwh", sa.BigInteger(), nullable=True),
        sa.Column("first_share", NUMBER, nullable=True),
        sa.Column("first", sa.String(12), nullable=True),
        sa.Column("issued_at", TIME, nullable=True),
        sa.Column("received_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"], ["grid_sources.id"], name=op.f("fk_grid_slots_source_id_grid_sources"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grid_slots")),
        sa.UniqueConstraint(
            "source_id", "region", "series", "begin", name=op.f("uq_grid_slots_source_id_region_series_begin")
        ),
    )
    op.create_index("ix_grid_slots_region_begin", "grid_slots", ["region", "begin"])
    op.create_table(
        "spot_prices",
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("begin", TIME, nullable=False),
        sa.Column("end", TIME, nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("price", NUMBER, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("region", "begin", name=op.f("pk_spot_prices")),
    )


def _windows() -> None:
    op.create_table(
        "window_decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("decided_at", TIME, nullable=False),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("inputs_sha256", sa.String(64), nullable=False),
        sa.Column("windows", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_window_decisions")),
    )
    op.create_index("ix_window_decisions_region_day", "window_decisions", ["region", "day"])
    refuse_changes("window_decisions")
    op.create_table(
        "grid_windows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.String(12), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("begin", TIME, nullable=False),
        sa.Column("end", TIME, nullable=False),
        sa.Column("share_most", NUMBER, nullable=True),
        sa.Column("surplus_most", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["window_decisions.id"], name=op.f("fk_grid_windows_decision_id_window_decisions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grid_windows")),
    )
    op.create_index(op.f("ix_grid_windows_decision_id"), "grid_windows", ["decision_id"])
    op.create_index("ix_grid_windows_region_begin", "grid_windows", ["region", "begin"])


def downgrade() -> None:
    op.drop_table("grid_windows")
    op.drop_table("window_decisions")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION window_decisions_append_only()")
    for table in ("spot_prices", "grid_slots", "grid_files", "grid_sources"):
        op.drop_table(table)
    with op.batch_alter_table("sites") as sites:
        sites.drop_index(op.f("ix_sites_region"))
        sites.drop_constraint(op.f("fk_sites_region_grid_regions"), type_="foreignkey")
        sites.drop_column("region")
    op.drop_table("grid_regions")
