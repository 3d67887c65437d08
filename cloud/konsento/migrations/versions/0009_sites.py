"""Sites as drivers find them: on the map, on a floor plan, when they are open; outlets that are not sold yet."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0009"
down_revision: Final = "0008"
branch_labels: Final = None
depends_on: Final = None

NAME: Final = sa.String(length=64)
WORD: Final = sa.String(length=32)
FROM_REPORT: Final = sa.String(length=50)


def upgrade() -> None:
    with op.batch_alter_table("sites") as sites:
        sites.add_column(sa.Column("latitude", sa.Double(), nullable=True))
        sites.add_column(sa.Column("longitude", sa.Double(), nullable=True))
        sites.add_column(sa.Column("opening_hours", sa.String(length=500), nullable=False, server_default=""))
        sites.add_column(sa.Column("presence", WORD, nullable=False, server_default="none"))
    with op.batch_alter_table("outlets") as outlets:
        outlets.alter_column("tariff_name", existing_type=NAME, nullable=True)
        outlets.add_column(sa.Column("closed_note", sa.String(length=200), nullable=True))
        outlets.add_column(sa.Column("plan_x", sa.Integer(), nullable=True))
        outlets.add_column(sa.Column("plan_y", sa.Integer(), nullable=True))
        for name in ("model", "firmware"):
            outlets.add_column(sa.Column(name, FROM_REPORT, nullable=False, server_default=""))
    # The defaults were for the rows that were there.
    with op.batch_alter_table("sites") as sites:
        sites.alter_column(
            "opening_hours", existing_type=sa.String(length=500), existing_nullable=False, server_default=None
        )
        sites.alter_column("presence", existing_type=WORD, existing_nullable=False, server_default=None)
    with op.batch_alter_table("outlets") as outlets:
        for name in ("model", "firmware"):
            outlets.alter_column(name, existing_type=FROM_REPORT, existing_nullable=False, server_default=None)
    op.create_table(
        "floor_plans",
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("media_type", WORD, nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.id"], name=op.f("fk_floor_plans_site_id_sites"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_floor_plans")),
    )


def downgrade() -> None:
    op.drop_table("floor_plans")
    with op.batch_alter_table("outlets") as outlets:
        for name in ("model", "firmware", "plan_x", "plan_y", "closed_note"):
            outlets.drop_column(name)
        outlets.alter_column("tariff_name", existing_type=NAME, nullable=False)
    with op.batch_alter_table("sites") as sites:
        for name in ("latitude", "longitude", "opening_hours", "presence"):
            sites.drop_column(name)
