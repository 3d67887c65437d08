"""Balances in lots, and checkouts.

What is in a balance becomes one lot of paid money and one of credits for each driver, without an end.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0053"
down_revision: Final = "0052"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)
WORD: Final = sa.String(length=32)
CARRY_OVER: Final = """
WITH came AS (
  SELECT a.id AS account_id, a.owner, a.currency, s.kind,
         MIN({id_text}) AS first_id, SUM(t.amount_minor) AS amount,
         a.credits_posted - a.debits_posted AS total, a.debits_pending AS held
  FROM ledger_accounts a
  JOIN ledger_transfers t ON t.credit_id = a.id AND t.kind = 'posted'
  JOIN ledger_accounts s ON s.id = t.debit_id
  WHERE a.kind = 'driver_balance' AND s.kind IN ('funds', 'promotion')
  GROUP BY a.id, a.owner, a.currency, s.kind, a.credits_posted, a.debits_posted, a.debits_pending
), split AS (
  SELECT c.*, COALESCE((SELECT p.amount FROM came p WHERE p.account_id = c.account_id AND p.kind = 'funds'), 0) AS paid
  FROM came c
), shares AS (
  SELECT s.*, CASE WHEN s.kind = 'promotion' THEN CASE WHEN total > paid THEN total - paid ELSE 0 END
                   WHEN total > paid THEN paid ELSE total END AS part
  FROM split s
)
INSERT INTO balance_lots
  (id, driver_id, promotional, currency, amount_minor, left_minor, held_minor, issued_at, expires_at)
SELECT {id_of_text}, {driver}, kind = 'promotion', currency, part, part,
       CASE WHEN kind = 'promotion' THEN CASE WHEN held > part THEN part ELSE held END
            WHEN held > total - part THEN held - (total - part) ELSE 0 END,
       CURRENT_TIMESTAMP, NULL
FROM shares WHERE part > 0
"""
"""What was given is taken to have been spent first: so no less counts as paid than can have been."""
CARRY_OVER_HOLDS: Final = """
WITH holds AS (
  SELECT p.id AS payment_id, p.driver_id, p.currency, p.hold_minor,
         SUM(p.hold_minor) OVER (PARTITION BY p.driver_id, p.currency ORDER BY p.id) AS until
  FROM payments p WHERE p.provider = 'balance' AND p.state = 'held' AND p.hold_minor > 0
), given AS (
  SELECT driver_id, currency, held_minor FROM balance_lots WHERE promotional
), parts AS (
  SELECT h.payment_id, l.id AS lot_id,
         CASE WHEN l.promotional THEN 0 ELSE COALESCE(g.held_minor, 0) END AS lot_from,
         CASE WHEN l.promotional THEN 0 ELSE COALESCE(g.held_minor, 0) END + l.held_minor AS lot_until,
         h.until - h.hold_minor AS hold_from, h.until AS hold_until
  FROM holds h
  JOIN balance_lots l ON l.driver_id = h.driver_id AND l.currency = h.currency
  LEFT JOIN given g ON g.driver_id = h.driver_id AND g.currency = h.currency
)
INSERT INTO balance_holds (payment_id, lot_id, amount_minor)
SELECT payment_id, lot_id,
       CASE WHEN hold_until < lot_until THEN hold_until ELSE lot_until END
       - CASE WHEN hold_from > lot_from THEN hold_from ELSE lot_from END
FROM parts
WHERE CASE WHEN hold_until < lot_until THEN hold_until ELSE lot_until END
    > CASE WHEN hold_from > lot_from THEN hold_from ELSE lot_from END
"""


def upgrade() -> None:
    op.create_table(
        "balance_lots",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("promotional", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("left_minor", sa.BigInteger(), nullable=False),
        sa.Column("held_minor", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.CheckConstraint(
            "0 <= held_minor AND held_minor <= left_minor AND left_minor <= amount_minor",
            name=op.f("ck_balance_lots_sums"),
        ),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.id"], name=op.f("fk_balance_lots_driver_id_drivers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_lots")),
    )
    op.create_index("ix_balance_lots_driver_id_expires_at", "balance_lots", ["driver_id", "expires_at"])
    op.create_index(op.f("ix_balance_lots_expires_at"), "balance_lots", ["expires_at"])
    op.create_table(
        "balance_holds",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["balance_lots.id"], name=op.f("fk_balance_holds_lot_id_balance_lots")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_balance_holds_payment_id_payments")),
        sa.PrimaryKeyConstraint("payment_id", "lot_id", name=op.f("pk_balance_holds")),
    )
    op.create_table(
        "balance_uses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_balance_uses_amount")),
        sa.ForeignKeyConstraint(["lot_id"], ["balance_lots.id"], name=op.f("fk_balance_uses_lot_id_balance_lots")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_balance_uses_payment_id_payments")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_uses")),
    )
    op.create_index(op.f("ix_balance_uses_at"), "balance_uses", ["at"])
    op.create_index(op.f("ix_balance_uses_lot_id"), "balance_uses", ["lot_id"])
    op.create_index(op.f("ix_balance_uses_payment_id"), "balance_uses", ["payment_id"])
    op.create_table(
        "checkouts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("outlet_id", sa.Uuid(), nullable=False),
        sa.Column("outlet_code", sa.String(16), nullable=False),
        sa.Column("limit_kind", WORD, nullable=False),
        sa.Column("limit_amount", sa.BigInteger(), nullable=False),
        sa.Column("offer", sa.String(64), nullable=False),
        sa.Column("agreed", sa.String(64), nullable=True),
        sa.Column("coupon", sa.String(64), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("card", sa.String(255), nullable=False),
        sa.Column("save_card", sa.Boolean(), nullable=False),
        sa.Column("hold_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("failure", sa.String(50), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.id"], name=op.f("fk_checkouts_driver_id_drivers"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["outlet_id"], ["outlets.id"], name=op.f("fk_checkouts_outlet_id_outlets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkouts")),
        sa.UniqueConstraint("session_id", name=op.f("uq_checkouts_session_id")),
    )
    op.create_index("ix_checkouts_driver_id_created_at", "checkouts", ["driver_id", "created_at"])
    op.create_index(op.f("ix_checkouts_outlet_id"), "checkouts", ["outlet_id"])
    on_postgresql = op.get_context().dialect.name == "postgresql"
    words = (
        {"id_text": "t.id::text", "id_of_text": "first_id::uuid", "driver": "owner::uuid"}
        if on_postgresql
        else {"id_text": "t.id", "id_of_text": "first_id", "driver": "replace(owner, '-', '')"}
    )
    op.execute(CARRY_OVER.format(**words))
    op.execute(CARRY_OVER_HOLDS)


def downgrade() -> None:
    op.drop_table("checkouts")
    op.drop_table("balance_uses")
    op.drop_table("balance_holds")
    op.drop_table("balance_lots")
