"""Outlets sell several tariffs and say how they measure; suppliers, contracts, own power types, agreements."""

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0051"
down_revision: Final = "0050"
branch_labels: Final = None
depends_on: Final = None

NAME: Final = sa.String(length=64)
WORD: Final = sa.String(length=32)
POWER: Final = sa.String(length=20)
TIME: Final = sa.DateTime(timezone=True)
SHARE: Final = sa.Numeric(20, 10).with_variant(sa.String(length=32), "sqlite")
CLASS: Final = sa.String(length=8)


def upgrade() -> None:
    op.create_table(
        "outlet_offers",
        sa.Column("outlet_id", sa.Uuid(), nullable=False),
        sa.Column("tariff_name", NAME, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["outlet_id"], ["outlets.id"], name=op.f("fk_outlet_offers_outlet_id_outlets"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("outlet_id", "tariff_name", name=op.f("pk_outlet_offers")),
    )
    op.create_index("ix_outlet_offers_tariff_name", "outlet_offers", ["tariff_name"])
    op.execute(
        "INSERT INTO outlet_offers (outlet_id, tariff_name, position)"
        " SELECT id, tariff_name, 0 FROM outlets WHERE tariff_name IS NOT NULL"
    )
    _outlets()
    with op.batch_alter_table("tariffs") as tariffs:
        tariffs.add_column(sa.Column("carbon_g_per_kwh", sa.Integer(), nullable=True))
    _sessions()
    _supply()
    op.create_table(
        "metering_agreements",
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("agreed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.id"], name=op.f("fk_metering_agreements_driver_id_drivers")),
        sa.PrimaryKeyConstraint("driver_id", "version", name=op.f("pk_metering_agreements")),
    )


def _outlets() -> None:
    with op.batch_alter_table("outlets") as outlets:
        outlets.drop_column("tariff_name")
        # Whoever has sold by the kWh until now has said by that how it is measured.
        outlets.add_column(sa.Column("metering", WORD, nullable=False, server_default="verified"))
        outlets.add_column(sa.Column("metering_class", CLASS, nullable=False, server_default=""))
    # The defaults were for the rows that were there.
    with op.batch_alter_table("outlets") as outlets:
        outlets.alter_column("metering", existing_type=WORD, existing_nullable=False, server_default=None)
        outlets.alter_column("metering_class", existing_type=CLASS, existing_nullable=False, server_default=None)


def _sessions() -> None:
    new: dict[str, tuple[sa.types.TypeEngine[Any], str]] = {
        "offer": (NAME, ""),
        "power_name": (sa.JSON(), "{}"),
        "supplier_share": (SHARE, "0"),
        "owner_share": (SHARE, "0"),
        "metering": (WORD, "verified"),
    }
    with op.batch_alter_table("charging_sessions") as sessions:
        sessions.add_column(sa.Column("carbon_g_per_kwh", sa.Integer(), nullable=True))
        for name, (kind, value) in new.items():
            sessions.add_column(sa.Column(name, kind, nullable=False, server_default=value))
    with op.batch_alter_table("charging_sessions") as sessions:
        for name, (kind, _) in new.items():
            sessions.alter_column(name, existing_type=kind, existing_nullable=False, server_default=None)


def _supply() -> None:
    op.create_table(
        "power_types",
        sa.Column("word", POWER, nullable=False),
        sa.Column("parent", POWER, nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.Column("name_ja", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_power_types")),
    )
    op.create_table(
        "suppliers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", WORD, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("contact", sa.String(length=200), nullable=False),
        sa.Column("invoice_number", sa.String(length=14), nullable=False),
        sa.Column("is_operator", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppliers")),
        sa.UniqueConstraint("code", name=op.f("uq_suppliers_code")),
    )
    op.create_table(
        "contracts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("valid_from", TIME, nullable=False),
        sa.Column("valid_to", TIME, nullable=True),
        sa.Column("supplier_share", SHARE, nullable=False),
        sa.Column("owner_share", SHARE, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name=op.f("fk_contracts_site_id_sites")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.id"], name=op.f("fk_contracts_supplier_id_suppliers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contracts")),
    )
    op.create_index("ix_contracts_supplier_id_valid_from", "contracts", ["supplier_id", "valid_from"])
    op.create_index(op.f("ix_contracts_site_id"), "contracts", ["site_id"])


def downgrade() -> None:
    for table in ("metering_agreements", "contracts", "suppliers", "power_types"):
        op.drop_table(table)
    with op.batch_alter_table("charging_sessions") as sessions:
        for name in ("offer", "power_name", "supplier_share", "owner_share", "metering", "carbon_g_per_kwh"):
            sessions.drop_column(name)
    with op.batch_alter_table("tariffs") as tariffs:
        tariffs.drop_column("carbon_g_per_kwh")
    with op.batch_alter_table("outlets") as outlets:
        outlets.drop_column("metering")
        outlets.drop_column("metering_class")
        outlets.add_column(sa.Column("tariff_name", NAME, nullable=True))
    op.execute(
        "UPDATE outlets SET tariff_name ="
        " (SELECT tariff_name FROM outlet_offers WHERE outlet_id = outlets.id ORDER BY position LIMIT 1)"
    )
    op.drop_table("outlet_offers")
