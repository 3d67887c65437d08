"""Guests, what a driver may tell of themselves, and links in mails."""

import uuid
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"
branch_labels: Final = None
depends_on: Final = None

ACCOUNTS: Final = sa.text("kind = 'account'")


def upgrade() -> None:
    with op.batch_alter_table("drivers") as drivers:
        drivers.add_column(sa.Column("kind", sa.String(length=32), nullable=False, server_default="account"))
        drivers.add_column(sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True))
        drivers.add_column(sa.Column("phone", sa.String(length=32), nullable=False, server_default=""))
        drivers.add_column(sa.Column("address", sa.String(length=300), nullable=False, server_default=""))
        drivers.add_column(sa.Column("mail_wanted", sa.Boolean(), nullable=False, server_default=sa.false()))
        drivers.alter_column("password_hash", existing_type=sa.String(length=200), nullable=True)
        drivers.drop_constraint("uq_drivers_email", type_="unique")
    with op.batch_alter_table("drivers") as drivers:
        # The defaults were for the rows that were there.
        for name, kind in (("kind", sa.String(32)), ("phone", sa.String(32)), ("address", sa.String(300))):
            drivers.alter_column(name, existing_type=kind, existing_nullable=False, server_default=None)
        drivers.alter_column("mail_wanted", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
    op.create_index("ix_drivers_email", "drivers", ["email"], unique=False)
    op.create_index(
        "uq_drivers_account_email",
        "drivers",
        ["email"],
        unique=True,
        sqlite_where=ACCOUNTS,
        postgresql_where=ACCOUNTS,
    )
    _name_sign_ins()
    op.create_table(
        "links",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("next_page", sa.String(length=500), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["drivers.id"], name=op.f("fk_links_driver_id_drivers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_links")),
    )
    op.create_index(op.f("ix_links_driver_id"), "links", ["driver_id"], unique=False)
    op.create_index(op.f("ix_links_expires_at"), "links", ["expires_at"], unique=False)


def _name_sign_ins() -> None:
    op.add_column("sign_ins", sa.Column("id", sa.Uuid(), nullable=True))
    op.add_column("sign_ins", sa.Column("browser", sa.String(length=60), nullable=False, server_default=""))
    if not op.get_context().as_sql:
        sign_ins = sa.table("sign_ins", sa.column("token_hash", sa.LargeBinary), sa.column("id", sa.Uuid))
        connection = op.get_bind()
        for (token_hash,) in connection.execute(sa.select(sign_ins.c.token_hash)).all():
            connection.execute(sign_ins.update().where(sign_ins.c.token_hash == token_hash).values(id=uuid.uuid7()))
    with op.batch_alter_table("sign_ins") as table:
        table.alter_column("id", existing_type=sa.Uuid(), nullable=False)
        table.alter_column("browser", existing_type=sa.String(60), existing_nullable=False, server_default=None)
        table.create_unique_constraint(op.f("uq_sign_ins_id"), ["id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_links_expires_at"), table_name="links")
    op.drop_index(op.f("ix_links_driver_id"), table_name="links")
    op.drop_table("links")
    with op.batch_alter_table("sign_ins") as sign_ins:
        sign_ins.drop_constraint(op.f("uq_sign_ins_id"), type_="unique")
        sign_ins.drop_column("browser")
        sign_ins.drop_column("id")
    op.drop_index("uq_drivers_account_email", table_name="drivers")
    op.drop_index("ix_drivers_email", table_name="drivers")
    # Guests have no place in the older tables: with their charges this fails, and nothing is changed.
    op.execute("DELETE FROM drivers WHERE kind <> 'account'")
    with op.batch_alter_table("drivers") as drivers:
        drivers.create_unique_constraint("uq_drivers_email", ["email"])
        drivers.alter_column("password_hash", existing_type=sa.String(length=200), nullable=False)
        for name in ("mail_wanted", "address", "phone", "email_verified_at", "kind"):
            drivers.drop_column(name)
