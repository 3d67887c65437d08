"""Other suppliers' servers at the same sites, portals, and the name that all of them have for a site."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0056"
down_revision: Final = "0051"
branch_labels: Final = None
depends_on: Final = None

TIME: Final = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("sites") as sites:
        sites.add_column(sa.Column("common_name", sa.String(32), nullable=True))
        sites.create_unique_constraint(op.f("uq_sites_common_name"), ["common_name"])
    op.create_table(
        "partners",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("base_url", sa.String(200), nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partners")),
        sa.UniqueConstraint("name", name=op.f("uq_partners_name")),
        sa.UniqueConstraint("base_url", name=op.f("uq_partners_base_url")),
    )
    op.create_table(
        "partner_sites",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("tried_at", TIME, nullable=True),
        sa.Column("told_at", TIME, nullable=True),
        sa.Column("told", sa.JSON(), nullable=True),
        sa.Column("problem", sa.String(50), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f("fk_partner_sites_partner_id_partners"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.id"], name=op.f("fk_partner_sites_site_id_sites"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("partner_id", "site_id", name=op.f("pk_partner_sites")),
    )
    op.create_index(op.f("ix_partner_sites_site_id"), "partner_sites", ["site_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_partner_sites_site_id"), "partner_sites")
    for table in ("partner_sites", "partners"):
        op.drop_table(table)
    with op.batch_alter_table("sites") as sites:
        sites.drop_constraint(op.f("uq_sites_common_name"), type_="unique")
        sites.drop_column("common_name")
