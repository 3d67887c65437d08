"""Prices with components: energy, time, per charging and idle, in bands; sessions keep what was agreed as a whole."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0050"
down_revision: Final = "0043"
branch_labels: Final = None
depends_on: Final = None

RATE: Final = """'{"component": "energy", "price": "' || PRICE || '", "band": null, "free_s": 0}'"""
"""The price of energy alone, which all prices were so far, tax included."""


def upgrade() -> None:
    with op.batch_alter_table("tariffs") as tariffs:
        tariffs.add_column(sa.Column("rates", sa.JSON(), nullable=True))
        tariffs.add_column(sa.Column("tax_included", sa.Boolean(), nullable=False, server_default=sa.true()))
        tariffs.add_column(sa.Column("min_minor", sa.BigInteger(), nullable=True))
        tariffs.add_column(sa.Column("max_minor", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("charging_sessions") as sessions:
        sessions.add_column(sa.Column("price", sa.JSON(), nullable=True))
        sessions.add_column(sa.Column("priced", sa.JSON(), nullable=True))
    sqlite = op.get_context().dialect.name == "sqlite"
    as_json = "{}" if sqlite else "CAST({} AS json)"
    price, tax = ("unit_price", "tax_rate") if sqlite else ("trim_scale(unit_price)", "trim_scale(tax_rate)")
    rate = RATE.replace("PRICE", price)
    rates = as_json.format(f"'[' || {rate} || ']'")
    snapshot = as_json.format(
        f"""'{{"currency": "' || currency || '", "tax_rate": "' || {tax} || '", "tax_included": true, "rates": ['"""
        f""" || {rate} || '], "min_minor": null, "max_minor": null, "time_zone": "UTC"}}'"""
    )
    # Made of numbers and a currency's three letters.
    op.execute(f"UPDATE tariffs SET rates = {rates}")  # noqa: S608
    op.execute(f"UPDATE charging_sessions SET price = {snapshot}")  # noqa: S608
    with op.batch_alter_table("tariffs") as tariffs:
        tariffs.alter_column("rates", existing_type=sa.JSON(), nullable=False)
        # The default was for the rows that were there.
        tariffs.alter_column("tax_included", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
    with op.batch_alter_table("charging_sessions") as sessions:
        sessions.alter_column("price", existing_type=sa.JSON(), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("charging_sessions") as sessions:
        sessions.drop_column("priced")
        sessions.drop_column("price")
    with op.batch_alter_table("tariffs") as tariffs:
        for column in ("max_minor", "min_minor", "tax_included", "rates"):
            tariffs.drop_column(column)
